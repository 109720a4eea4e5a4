//! The comparison with another head: its predictions, and the metrics of both.

use super::captions;
use super::options::ReportOptions;
use crate::error::Result;
use crate::images::Scan;
use crate::images::path_text::{for_terminal, to_text};
use crate::progress::Progress;
use crate::report::{HeadComparison, OtherPrediction};
use crate::tasks::evaluate::{comparable, comparison, predict_both};
use crate::tasks::labelled_predictions::{LabelledPrediction, LabelledPredictions};
use crate::tasks::predict_labelled::predict_scanned;

/// The comparison, and what the other head predicts for each sample, (N).
pub(super) struct Compared {
    pub(super) versus: HeadComparison,
    pub(super) predictions: Vec<OtherPrediction>,
}

/// Predicts the samples with the head, and with the other one if there is one.
pub(super) fn predict(
    options: &ReportOptions,
    scan: Option<&Scan>,
    progress: &dyn Progress,
) -> Result<(LabelledPredictions, Option<Compared>)> {
    let input = &options.input;
    let Some(other) = &options.compare else {
        return Ok((predict_scanned(input, scan, progress)?, None));
    };
    let heads = comparable(&input.head, other)?;
    let (first, second) = predict_both(&heads, (input, scan), progress)?;
    let paths = [&input.head.path, other];
    let names = paths.map(|path| captions::name(path));
    let heads = if names[0] == names[1] {
        paths.map(|path| for_terminal(&to_text(path)))
    } else {
        names
    };
    let comparison = comparison(&first, &second, options.bootstrap)?;
    let predictions = second
        .items
        .iter()
        .map(|item| prediction(item, &first, &second));
    let compared = Compared {
        predictions: predictions.collect(),
        versus: HeadComparison { heads, comparison },
    };
    Ok((first, Some(compared)))
}

/// Returns what the second head predicts, with the class numbers of the first.
fn prediction(
    item: &LabelledPrediction,
    first: &LabelledPredictions,
    second: &LabelledPredictions,
) -> OtherPrediction {
    let best = crate::classifier::top(&item.probabilities, 1);
    let (class, confidence) = best.first().copied().unwrap_or_default();
    let name = second.classes.name(class).unwrap_or_default();
    OtherPrediction {
        predicted: first.classes.class_to_idx(name).unwrap_or_default(),
        confidence,
    }
}
