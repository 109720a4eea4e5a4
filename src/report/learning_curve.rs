//! The learning curve: accuracy for growing parts of the training set.

use maud::{Markup, html};

use super::chart::{self, Frame, Numbers};
use super::marks::{Band, band, dots, line};
use super::number::{count, percent};
use super::scale::Scale;
use crate::head::LearningPoint;

/// Draws the learning curve; `None` without points.
pub(super) fn figure(curve: &[LearningPoint]) -> Option<Markup> {
    let keys = [("first", "mean ± standard deviation")];
    Some(chart::figure(
        "Accuracy by number of training images",
        &keys,
        &chart(curve)?,
    ))
}

/// Says what doubling the number of images changed.
pub(super) fn verdict(curve: &[LearningPoint]) -> String {
    let Some(last) = curve.last() else {
        return String::new();
    };
    let from_half = |point: &&LearningPoint| point.n.saturating_mul(2).abs_diff(last.n);
    let half = curve.iter().min_by_key(from_half).unwrap_or(last);
    if half.n == last.n {
        return "A single training set size is not enough to tell.".to_owned();
    }
    let gain = 100.0 * (last.mean - half.mean);
    let step = format!(
        "From {} to {} training images, accuracy changed by {gain:+.1} percentage points, to {}.",
        half.n,
        last.n,
        percent(last.mean)
    );
    let half_band = 50.0 * (last.high - last.low);
    if gain > half_band.max(0.5) {
        step + " It is still rising, so more images would probably help."
    } else {
        step + " This is no clear gain, so more images of the same kind would probably help little."
    }
}

fn chart(curve: &[LearningPoint]) -> Option<Markup> {
    let [_, most] = Scale::extent(curve.iter().map(|point| point.n as f64))?;
    let [low, high] = Scale::extent(
        curve
            .iter()
            .flat_map(|point| [point.low, point.high, point.mean]),
    )?;
    let range = [(low - 0.01).max(0.0), (high + 0.01).min(1.0)];
    let frame = Frame::new(([0.0, most], Numbers::Whole), (range, Numbers::Percent));
    let points: Vec<_> = curve
        .iter()
        .map(|point| (point.n as f64, point.mean))
        .collect();
    let bands = curve.iter().map(|point| Band {
        x: point.n as f64,
        low: point.low,
        high: point.high,
    });
    let bands: Vec<_> = bands.collect();
    let say = |i: usize| {
        let point: &LearningPoint = &curve[i];
        format!("{}: {}", count(point.n, "image"), percent(point.mean))
    };
    let marks = html! {
        (band(&frame, &bands))
        (line(&frame, "first", &points))
        (dots(&frame, "first", &points, say))
    };
    let words: Vec<String> = (0..curve.len()).map(say).collect();
    Some(frame.draw(
        "learning",
        "Accuracy by number of training images",
        &words.join("; "),
        ["training images", "accuracy"],
        &marks,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: usize, mean: f64, band: f64) -> LearningPoint {
        LearningPoint {
            n,
            share: 0.5,
            mean,
            low: mean - band,
            high: mean + band,
        }
    }

    #[test]
    fn the_verdict_is_what_twice_the_images_gave_against_the_band() {
        let rising = [(100, 0.80), (180, 0.85), (200, 0.86)];
        let rising = verdict(&rising.map(|(n, mean)| point(n, mean, 0.02)));
        assert!(
            rising.contains("+6.0 percentage points") && rising.ends_with("probably help."),
            "{rising}"
        );
        let flat = verdict(&[point(100, 0.85, 0.02), point(200, 0.86, 0.02)]);
        assert!(
            flat.contains("+1.0 percentage points") && flat.ends_with("help little."),
            "{flat}"
        );
        assert!(figure(&[]).is_none());
    }
}
