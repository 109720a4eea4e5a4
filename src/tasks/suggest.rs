//! `suggest`: which unlabelled images to label next.

mod candidates;

use std::path::PathBuf;

use ndarray::{Array2, s};

use self::candidates::Candidates;
use super::fit_head::check_near;
use super::inputs::{Inputs, Skipped};
use crate::backbones::RunOptions;
use crate::classes::ClassIndex;
use crate::classifier::{Classifier, Prediction, Tta};
use crate::error::Result;
use crate::head::{Pick, SelectionParams, UnitRows, select};
use crate::images::Limits;
use crate::progress::Progress;

/// What to choose from, and how.
#[derive(Debug, Clone)]
pub struct SuggestOptions {
    /// The images, or their features.
    pub data: Unlabelled,
    /// The head file.
    pub head: PathBuf,
    /// The most suggestions.
    pub top: usize,
    /// Of images that are alike from this cosine on, one is suggested; in (0, 1].
    pub near: f32,
    /// The network's file, where it is not installed.
    pub backbone: Option<PathBuf>,
    /// How large images may be.
    pub limits: Limits,
    /// How the network is run; as many threads are for decoding.
    pub run: RunOptions,
    /// Images that the network is given at once.
    pub batch_size: usize,
}

/// Where the unlabelled images are; classes that they may have are not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlabelled {
    /// A feature store.
    Store(PathBuf),
    /// The images themselves.
    Images(Inputs),
}

/// What to label, and what was left out.
#[derive(Debug, Clone)]
pub struct SuggestReport {
    /// The most worthwhile first.
    pub suggestions: Vec<Suggestion>,
    /// The images that were chosen from.
    pub n_images: usize,
    /// Images that were left out since the head was trained on them or they were held out of its training set.
    pub labelled: usize,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// An image worth a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// Its path as text: to open, or as the store names it.
    pub path: String,
    /// The most probable class.
    pub label: String,
    /// Its probability, in [0, 1].
    pub probability: f64,
    /// The next most probable class with its probability; none where the head has one class.
    pub runner_up: Option<(String, f64)>,
    /// Why it was picked.
    pub pick: Pick,
}

/// Chooses images that the head is least sure of and that are unlike each other, as [`select`] says.
///
/// The features of all images are held in memory.
///
/// # Errors
/// [`crate::error::Error::Parameter`] for `near` out of range; no images, a head, store or backbone that does not fit, a device that does not work.
pub fn suggest(options: &SuggestOptions, progress: &dyn Progress) -> Result<SuggestReport> {
    check_near(options.near)?;
    let classifier = Classifier::open(&options.head, Tta::Trained)?;
    let mut candidates = match &options.data {
        Unlabelled::Store(path) => Candidates::of_store(path, &classifier)?,
        Unlabelled::Images(inputs) => {
            Candidates::of_images(inputs, &classifier, options, progress)?
        }
    };
    let views = classifier.spec().views.len().max(1);
    let predictions = candidates.predicted_by(&classifier)?;
    let rows = UnitRows::of(candidates.features.slice(s![..; views, ..]));
    let params = SelectionParams {
        top: options.top,
        near: options.near,
    };
    let picks = select(
        probabilities(&predictions, classifier.classes()).view(),
        &rows,
        params,
    );
    let suggestion = |pick: Pick| {
        let path = candidates.paths[pick.row].clone();
        suggestion(path, &predictions[pick.row], classifier.classes(), pick)
    };
    Ok(SuggestReport {
        suggestions: picks.into_iter().map(suggestion).collect(),
        n_images: candidates.paths.len(),
        labelled: candidates.labelled,
        skipped: candidates.skipped,
        notes: candidates.notes,
    })
}

fn probabilities(predictions: &[Prediction], classes: &ClassIndex) -> Array2<f64> {
    let shape = (predictions.len(), classes.len());
    Array2::from_shape_fn(shape, |(row, class)| {
        predictions[row].probabilities()[class]
    })
}

fn suggestion(
    path: String,
    prediction: &Prediction,
    classes: &ClassIndex,
    pick: Pick,
) -> Suggestion {
    let name = |class| classes.name(class).unwrap_or_default().to_owned();
    let top = prediction.top(2);
    let (label, probability) = prediction.best();
    Suggestion {
        path,
        label: name(label),
        probability,
        runner_up: top.get(1).map(|&(class, p)| (name(class), p)),
        pick,
    }
}
