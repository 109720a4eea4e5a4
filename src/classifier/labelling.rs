//! The label of a prediction: a class, or `unknown` with the reason.

use super::predictor::Prediction;
use crate::classes::ClassIndex;

/// How labels are derived from predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Labelling {
    /// Below this probability the label is `unknown`.
    pub threshold: Option<f64>,
    /// How many of the most probable classes are listed.
    pub top_k: usize,
}

impl Labelling {
    /// The label of images that are assigned no class.
    pub const UNKNOWN: &'static str = "unknown";

    /// Returns the label and the highest probability.
    #[must_use]
    pub fn label<'a>(&self, classes: &'a ClassIndex, prediction: &Prediction) -> (&'a str, f64) {
        let (index, probability) = prediction.best();
        let known = self.why_unknown(classes, prediction).is_none();
        let name = classes.name(index).filter(|_| known);
        (name.unwrap_or(Self::UNKNOWN), probability)
    }

    /// Returns why the label is `unknown`, if it is.
    #[must_use]
    pub fn why_unknown(&self, classes: &ClassIndex, prediction: &Prediction) -> Option<String> {
        if let Some(reason) = prediction.verdict().reason(classes) {
            return Some(reason);
        }
        let (_, probability) = prediction.best();
        let threshold = self
            .threshold
            .filter(|&threshold| probability < threshold)?;
        Some(format!("the highest probability is below {threshold}"))
    }

    /// Returns the most probable classes with their probabilities.
    #[must_use]
    pub fn top<'a>(&self, classes: &'a ClassIndex, prediction: &Prediction) -> Vec<(&'a str, f64)> {
        let named = |(index, p)| (classes.name(index).unwrap_or(Self::UNKNOWN), p);
        prediction.top(self.top_k).into_iter().map(named).collect()
    }
}
