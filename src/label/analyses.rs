//! The results of analyses, which may be about labels of a moment ago.

use std::sync::Arc;

use super::model::Training;
use crate::error::Result;
use crate::head::LearningPoint;

/// Something that is computed about an edition of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    CrossValidation,
    Inspection,
    Curve,
}

/// The results so far, and what is wanted.
#[derive(Debug, Default)]
pub(super) struct Analyses {
    pub(super) cross_validation: Analysis<CrossValidated>,
    pub(super) inspection: Analysis<Inspected>,
    pub(super) curve: Analysis<Vec<LearningPoint>>,
}

/// One of the results.
#[derive(Debug)]
pub(super) struct Analysis<T> {
    /// The edition of the labels that it is about; 0 before the first.
    pub(super) edition: u64,
    pub(super) is_wanted: bool,
    /// The result, or why there is none.
    pub(super) result: Option<Result<Arc<T>, String>>,
}

impl<T> Default for Analysis<T> {
    fn default() -> Self {
        Self {
            edition: 0,
            is_wanted: false,
            result: None,
        }
    }
}

impl<T> Analysis<T> {
    /// Asks for the result of an edition. Returns whether it is being computed.
    pub(super) fn want(&mut self, edition: u64) -> bool {
        self.is_wanted = self.edition != edition;
        self.is_wanted
    }

    /// Returns the result of this or an earlier edition.
    pub(super) fn get(&self) -> Option<Arc<T>> {
        self.result.as_ref()?.as_ref().ok().cloned()
    }

    /// Takes the result of an edition.
    pub(super) fn take(&mut self, edition: u64, result: Result<T, String>) {
        self.edition = edition;
        self.is_wanted = false;
        self.result = Some(result.map(Arc::new));
    }
}

/// Each labelled image, predicted by a head that has not seen it.
#[derive(Debug)]
pub(super) struct CrossValidated {
    pub(super) training: Training,
    /// For each image, whether the most probable class is its label.
    pub(super) right: Vec<bool>,
    /// Likely wrong labels, the least plausible first.
    pub(super) suspects: Vec<SuspectLabel>,
}

/// A label that is likely to be wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct SuspectLabel {
    pub(super) image: u32,
    pub(super) given: u32,
    pub(super) suggested: u32,
    pub(super) given_probability: f64,
    pub(super) suggested_probability: f64,
}

/// What inspection finds, by the numbers of images.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    /// Images with equal bytes.
    pub(super) duplicates: Vec<Similar>,
    pub(super) near_duplicates: Vec<Similar>,
    pub(super) contradictions: Vec<Similar>,
    pub(super) outliers: Vec<Outlying>,
}

/// Images that are alike, with the highest similarity if they are not equal.
#[derive(Debug, Clone)]
pub(super) struct Similar {
    pub(super) cosine: Option<f32>,
    pub(super) images: Vec<u32>,
}

/// An image unlike the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlying {
    pub(super) image: u32,
    pub(super) distance: f64,
    pub(super) limit: f64,
    pub(super) beyond: bool,
}
