//! SVG charts: heading and legend, labelled axes, and a description for screen readers. The style sheet sets
//! the colours by class.

use maud::{Markup, html};

use super::number::grouped;
use super::scale::Scale;

/// The width of a chart, in user units.
pub(super) const WIDTH: f64 = 400.0;
/// The height of a chart, in user units.
pub(super) const HEIGHT: f64 = 250.0;

const LEFT: f64 = 60.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

/// How an axis formats its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Shares as percentages.
    Percent,
    /// Whole numbers only.
    Whole,
    /// Decimals without trailing zeros.
    Plain,
}

/// The plot area of a chart, with its axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The horizontal axis, from left to right.
    pub(super) x: Scale,
    /// The vertical axis, from bottom to top.
    pub(super) y: Scale,
    numbers: [Numbers; 2],
}

impl Frame {
    /// Creates a frame for values in these ranges.
    pub(super) fn new(x: ([f64; 2], Numbers), y: ([f64; 2], Numbers)) -> Self {
        Self {
            x: Scale::new(x.0, [LEFT, WIDTH - RIGHT]),
            y: Scale::new(y.0, [HEIGHT - BOTTOM, TOP]),
            numbers: [x.1, y.1],
        }
    }

    /// Draws the chart: `marks` within axes named `names` (x, y). `id` must be unique on the page; screen
    /// readers read `title` and `words`.
    pub(super) fn draw(
        &self,
        id: &str,
        title: &str,
        words: &str,
        names: [&str; 2],
        marks: &Markup,
    ) -> Markup {
        let (title_id, words_id) = (format!("{id}-title"), format!("{id}-words"));
        html! {
            svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img"
                aria-labelledby=(format!("{title_id} {words_id}")) {
                title id=(title_id) { (title) }
                desc id=(words_id) { (words) }
                (self.grid())
                (self.names(names))
                (marks)
            }
        }
    }

    fn grid(&self) -> Markup {
        let ([left, right], [bottom, _]) = (self.x.range(), self.y.range());
        html! {
            g.grid aria-hidden="true" {
                @for tick in ticks(&self.y, self.numbers[1], 5) {
                    line x1=(left) x2=(right) y1=(self.y.at(tick)) y2=(self.y.at(tick)) {}
                    text x=(left - 7.0) y=(self.y.at(tick) + 4.0) text-anchor="end" {
                        (label(tick, self.numbers[1]))
                    }
                }
                @for tick in ticks(&self.x, self.numbers[0], 6) {
                    line.tick x1=(self.x.at(tick)) x2=(self.x.at(tick)) y1=(bottom) y2=(bottom + 4.0) {}
                    text x=(self.x.at(tick)) y=(bottom + 17.0) text-anchor="middle" {
                        (label(tick, self.numbers[0]))
                    }
                }
                line.axis x1=(left) x2=(right) y1=(bottom) y2=(bottom) {}
            }
        }
    }

    fn names(&self, [x, y]: [&str; 2]) -> Markup {
        let ([left, right], [bottom, top]) = (self.x.range(), self.y.range());
        let middle = f64::midpoint(bottom, top);
        html! {
            g.names aria-hidden="true" {
                text x=(f64::midpoint(left, right)) y=(HEIGHT - 6.0) text-anchor="middle" { (x) }
                text x="10" y=(middle) text-anchor="middle" transform=(format!("rotate(-90 10 \
                    {middle})")) { (y) }
            }
        }
    }
}

/// Renders a chart with its heading and legend; `keys` lists the CSS class and the name of each line.
pub(super) fn figure(heading: &str, keys: &[(&str, &str)], chart: &Markup) -> Markup {
    html! {
        figure.plot {
            figcaption {
                strong { (heading) }
                @for (class, name) in keys {
                    span.key {
                        svg viewBox="0 0 22 8" width="22" height="8" aria-hidden="true" {
                            line class=(format!("line {class}")) x1="0" x2="22" y1="4" y2="4" {}
                        }
                        (name)
                    }
                }
            }
            (chart)
        }
    }
}

fn ticks(scale: &Scale, numbers: Numbers, wanted: usize) -> Vec<f64> {
    match numbers {
        Numbers::Whole => scale.whole_ticks(wanted),
        Numbers::Percent | Numbers::Plain => scale.ticks(wanted),
    }
}

fn label(value: f64, numbers: Numbers) -> String {
    match numbers {
        Numbers::Percent => format!("{}%", shortest(100.0 * value)),
        Numbers::Whole => grouped(value as usize),
        Numbers::Plain => shortest(value),
    }
}

/// Formats a tick value without trailing zeros.
fn shortest(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_what_it_shows() {
        let frame = Frame::new(
            ([0.0, 10.0], Numbers::Whole),
            ([0.0, 1.0], Numbers::Percent),
        );
        let svg = frame
            .draw("a", "Loss <1>", "falls", ["epoch", "loss"], &html! {})
            .into_string();
        assert!(
            svg.contains(r#"role="img" aria-labelledby="a-title a-words""#),
            "{svg}"
        );
        assert!(
            svg.contains(r#"<title id="a-title">Loss &lt;1&gt;</title>"#)
                && svg.contains(">falls</desc>")
        );
        for word in [">100%<", ">20%<", ">10<", ">epoch<"] {
            assert!(svg.contains(word), "{word} in {svg}");
        }
    }
}
