//! `evaluate`: the figures of a head on labelled samples.

use std::collections::BTreeMap;

use super::inputs::Skipped;
use super::judge::{JudgeOptions, Judged, judge};
use crate::error::Result;
use crate::head::Evaluation;
use crate::progress::Progress;

/// The figures, and what they leave out.
#[derive(Debug, Clone)]
pub struct EvaluateReport {
    /// The figures, over the samples whose class the head knows.
    pub evaluation: Evaluation,
    /// Samples of classes that the head does not know, by class; they are in no figure.
    pub unknown_classes: BTreeMap<String, usize>,
    /// Classes of the head that have no sample.
    pub missing_classes: Vec<String>,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Evaluates a head.
///
/// # Errors
/// Those of [`judge`].
pub fn evaluate(options: &JudgeOptions, progress: &dyn Progress) -> Result<EvaluateReport> {
    let judged = judge(options, progress)?;
    let probabilities = judged.probabilities();
    let evaluation = Evaluation::new(&judged.classes, &judged.targets(), probabilities.view())?;
    Ok(report(evaluation, judged))
}

fn report(evaluation: Evaluation, judged: Judged) -> EvaluateReport {
    let supports = evaluation.per_class.iter().zip(evaluation.classes.iter());
    let missing_classes = supports
        .filter(|(figures, _)| figures.support == 0)
        .map(|(_, name)| name.to_owned())
        .collect();
    EvaluateReport {
        evaluation,
        unknown_classes: judged.unknown_classes,
        missing_classes,
        skipped: judged.skipped,
        notes: judged.notes,
    }
}
