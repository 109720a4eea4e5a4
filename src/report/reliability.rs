//! The reliability diagram, which shows how well the probabilities are calibrated.

use maud::{Markup, html};

use super::chart::{Frame, Numbers, figure};
use super::marks::diagonal;
use super::number::{count, percent, whole_percent};
use super::page::{Bin, Reliability};

/// Bins with fewer images than this say little, and are drawn pale.
const FEW: usize = 10;

pub(super) fn section(reliability: &Reliability) -> Markup {
    html! {
        section #reliability {
            h2 { "Calibration" }
            p.lead {
                "Of the images predicted with 80\u{a0}% confidence, 80\u{a0}% should be right: each bar \
                 should end at its marker. "
                "The expected calibration error, the mean gap between confidence and accuracy, is "
                strong { (percent(reliability.ece)) }
                ". " (tendency(&reliability.bins))
                @if reliability.bins.iter().any(|bin| bin.count < FEW) {
                    " Pale bars have fewer than " (FEW) " images."
                }
            }
            div.charts {
                (figure(
                    "Accuracy by confidence",
                    &[("confidence", "mean confidence"), ("reference", "perfectly calibrated")],
                    &chart(reliability),
                ))
                (table(&reliability.bins))
            }
        }
    }
}

/// Says whether the head is overconfident or underconfident over all images.
fn tendency(bins: &[Bin]) -> &'static str {
    let total = bins.iter().map(|bin| bin.count).sum::<usize>().max(1);
    let excess = |bin: &Bin| (bin.confidence - bin.accuracy) * bin.count as f64;
    let excess = bins.iter().map(excess).sum::<f64>() / total as f64;
    match excess {
        e if e > 0.01 => "Overall, the head is overconfident.",
        e if e < -0.01 => "Overall, the head is underconfident.",
        _ => "Overall, confidence and accuracy agree.",
    }
}

fn chart(reliability: &Reliability) -> Markup {
    let frame = Frame::new(
        ([0.0, 1.0], Numbers::Percent),
        ([0.0, 1.0], Numbers::Percent),
    );
    let marks = html! {
        @for bin in &reliability.bins { (bar(&frame, bin)) }
        (diagonal(&frame))
    };
    let words: Vec<String> = reliability.bins.iter().map(say).collect();
    frame.draw(
        "calibration",
        "Reliability diagram",
        &words.join("; "),
        ["confidence", "accuracy"],
        &marks,
    )
}

fn say(bin: &Bin) -> String {
    format!(
        "{}: confidence {}, accuracy {}",
        count(bin.count, "image"),
        percent(bin.confidence),
        percent(bin.accuracy)
    )
}

/// Draws the accuracy as a bar, and the confidence as a marker across it.
fn bar(frame: &Frame, bin: &Bin) -> Markup {
    let (left, right) = (
        frame.x.at(bin.range[0]) + 1.0,
        frame.x.at(bin.range[1]) - 1.0,
    );
    let (top, bottom) = (frame.y.at(bin.accuracy), frame.y.at(0.0));
    let confidence = frame.y.at(bin.confidence);
    html! {
        g {
            title { (say(bin)) }
            rect.accuracy.few[bin.count < FEW] x=(format!("{left:.1}")) y=(format!("{top:.1}"))
                width=(format!("{:.1}", (right - left).max(1.0))) height=(format!("{:.1}", bottom - top)) {}
            line class="line confidence" x1=(format!("{left:.1}")) x2=(format!("{right:.1}"))
                y1=(confidence) y2=(confidence) {}
        }
    }
}

fn table(bins: &[Bin]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Images by confidence" {
            table.numbers {
                thead { tr {
                    @for name in ["confidence", "images", "mean confidence", "accuracy"] {
                        th scope="col" { (name) }
                    }
                } }
                tbody {
                    @for bin in bins {
                        tr {
                            th scope="row" {
                                (format!("{:.0}–", 100.0 * bin.range[0])) (whole_percent(bin.range[1]))
                            }
                            td { (bin.count) }
                            td { (percent(bin.confidence)) }
                            td { (percent(bin.accuracy)) }
                        }
                    }
                }
            }
        }
    }
}
