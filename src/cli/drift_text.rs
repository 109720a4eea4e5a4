//! The result of `drift` as text.

use super::cells::{cell, padded, widest};
use super::terminal::Text;
use frostline::phrases::counted;
use frostline::tasks::DriftReport;

/// How many of the farthest images and of the classes are shown.
const SHOWN: usize = 10;

pub(super) fn text(report: &DriftReport) -> Text {
    let mut out = Text::new();
    out.line(&report.summary);
    out.line("");
    out.line(format_args!(
        "images      {} ({} different) against {}",
        report.n_images,
        report.n_groups,
        counted(report.n_training, "training image")
    ));
    out.line(format_args!("drift       {:.2}", report.drift));
    let distance = &report.distance;
    out.line(format_args!(
        "distance    {:.2} ({}): median {:.3} to the nearest training image; {:.3} between these",
        distance.size,
        p_value(distance.p_value),
        distance.median,
        distance.training_median
    ));
    if let Some(found) = &report.separation {
        out.line(format_args!(
            "separation  {:.2} ({}): a linear classifier tells them apart with an AUC of {:.2}",
            found.size,
            p_value(found.p_value),
            found.auc
        ));
    }
    if let Some(shift) = &report.classes {
        out.line(format_args!(
            "classes     {:.2} ({}): the sum of the differences below, halved",
            shift.size,
            p_value(shift.p_value)
        ));
        let mut classes: Vec<_> = shift.classes.iter().collect();
        let by = |class: &frostline::head::ClassShare| (class.share - class.training_share).abs();
        classes.sort_by(|a, b| by(b).total_cmp(&by(a)));
        classes.truncate(SHOWN);
        let names: Vec<String> = classes.iter().map(|class| cell(&class.class)).collect();
        let width = widest(&names);
        for (class, name) in classes.into_iter().zip(names) {
            out.line(format_args!(
                "            {}  {:5.1} % of the new images, {:5.1} % of the training images",
                padded(&name, width),
                100.0 * class.share,
                100.0 * class.training_share
            ));
        }
    }
    out.line("");
    out.line("farthest from the training images");
    for image in report.farthest.iter().take(SHOWN) {
        let class = cell(&image.predicted);
        out.line(format_args!(
            "  {:.3}  {class}  {}",
            image.distance, image.path
        ));
    }
    out
}

fn p_value(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {p:.3}")
    }
}
