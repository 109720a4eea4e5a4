//! The marks of charts: lines, bands, bars, dots and whiskers.

use std::fmt::Write;

use maud::{Markup, html};

use super::chart::Frame;

/// The range of values at one point of a band.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    pub(super) x: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Draws straight lines between points; points that are not finite are skipped.
pub(super) fn line(frame: &Frame, class: &str, points: &[(f64, f64)]) -> Markup {
    html! { polyline class=(format!("line {class}")) points=(places(frame, points.iter().copied())) {} }
}

/// Draws a dot at each point, with `words` as its tooltip.
pub(super) fn dots(
    frame: &Frame,
    class: &str,
    points: &[(f64, f64)],
    words: impl Fn(usize) -> String,
) -> Markup {
    html! {
        @for (i, (x, y)) in points.iter().enumerate() {
            circle class=(format!("dot {class}")) cx=(frame.x.at(*x)) cy=(frame.y.at(*y)) r="3" {
                title { (words(i)) }
            }
        }
    }
}

/// Draws the area between the lower and the upper ends.
pub(super) fn band(frame: &Frame, bands: &[Band]) -> Markup {
    let upper = bands.iter().map(|b| (b.x, b.high));
    let lower = bands.iter().rev().map(|b| (b.x, b.low));
    html! { polygon class="band" points=(places(frame, upper.chain(lower))) {} }
}

/// Draws the diagonal from the lower left to the upper right.
pub(super) fn diagonal(frame: &Frame) -> Markup {
    line(frame, "reference", &[(0.0, 0.0), (1.0, 1.0)])
}

fn places(frame: &Frame, points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points.filter(|(x, y)| x.is_finite() && y.is_finite()) {
        write!(text, "{},{} ", frame.x.at(x), frame.y.at(y))
            .expect("writing to a String cannot fail");
    }
    text.truncate(text.trim_end().len());
    text
}

/// The smallest share above 0 that is drawn, so that it can be seen.
const LEAST: f64 = 0.01;

/// Draws a share in [0, 1] as a bar of the available width, with the whisker of its interval.
pub(super) fn bar(class: &str, value: f64, interval: Option<[f64; 2]>) -> Markup {
    html! {
        svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect class="track" x="0" y="2" width="100" height="6" {}
            @if value > 0.0 {
                rect class=(class) x="0" y="2" width=(part(value.max(LEAST))) height="6" {}
            }
            @if let Some(interval) = interval { (ends(interval)) }
        }
    }
}

/// Draws only the whisker of an interval in [0, 1], with a tick at the value.
pub(super) fn whisker(value: f64, interval: [f64; 2]) -> Markup {
    html! {
        svg class="bar whisker" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect class="track" x="0" y="4" width="100" height="2" {}
            rect class="span" x=(part(interval[0])) y="3" width=(width(interval)) height="4" {}
            line class="value" x1=(part(value)) x2=(part(value)) y1="0" y2="10" {}
        }
    }
}

/// A mark on an image whose label is in doubt.
pub(super) fn doubt() -> Markup {
    html! { span.tag title="Cross-validation is confident of another label" { "label?" } }
}

fn ends(interval: [f64; 2]) -> Markup {
    html! { line class="ends" x1=(part(interval[0])) x2=(part(interval[1])) y1="5" y2="5" {} }
}

fn width([low, high]: [f64; 2]) -> String {
    format!("{:.2}", 100.0 * (high - low).clamp(0.0, 1.0))
}

/// Returns the position of a share on a bar, which is 100 units wide.
fn part(share: f64) -> String {
    format!("{:.2}", 100.0 * share.clamp(0.0, 1.0))
}
