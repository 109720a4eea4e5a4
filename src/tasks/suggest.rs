//! `suggest`: picks the unlabelled images most worth labelling.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Axis};

use super::fit_head::check_near;
use super::inputs::{Inputs, Skipped};
use super::laid_labels::{self, LabelOptions, LaidLabels};
use super::predictions::{HeadOptions, open_store, predict};
use crate::classes::ClassIndex;
use crate::classifier::Predictor;
use crate::error::{Result, TaskError};
use crate::features::{Computed, Digest, Done, Images, Source};
use crate::head::{
    ImageRole, NEAR_DUPLICATE, Pick, SelectionParams, UnitRows, select, uncertainty,
};
use crate::images::Labels;
use crate::progress::Progress;
use crate::texts::Texts;

/// The options of [`suggest`](crate::tasks::suggest()): what to pick from, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SuggestOptions {
    /// The images, or their features.
    pub data: Unlabelled,
    /// The head.
    pub head: HeadOptions,
    /// A label file; images that it labels are not suggested.
    pub labels: Option<LabelOptions>,
    /// The maximum number of suggestions.
    pub top: usize,
    /// Images of at least this cosine similarity are near-duplicates, of which one is suggested; in (0, 1].
    pub near: f32,
}

impl SuggestOptions {
    /// Suggests at most 50 images without near-duplicates.
    #[must_use]
    pub fn new(data: Unlabelled, head: HeadOptions) -> Self {
        Self {
            data,
            head,
            labels: None,
            top: 50,
            near: NEAR_DUPLICATE,
        }
    }
}

/// The unlabelled images; any classes that they have are ignored.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlabelled {
    /// A feature store.
    Store(PathBuf),
    /// The images themselves.
    Images(Inputs),
}

/// The images to label, and those that were skipped.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SuggestReport {
    /// The suggested images, most worth labelling first.
    pub suggestions: Vec<Suggestion>,
    /// The number of images to pick from.
    pub n_images: usize,
    /// Images excluded because the head was trained or validated on them.
    pub labelled: usize,
    /// How the label file and the images correspond, if there is one. Those that it labels are excluded.
    pub laid_labels: Option<LaidLabels>,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// An image worth labelling.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Suggestion {
    /// Its path as text: the path to open for images, the path in the index for a store.
    pub path: String,
    /// The most probable class.
    pub label: String,
    /// Its probability, in [0, 1].
    pub probability: f64,
    /// The second most probable class with its probability; `None` if the head has one class.
    pub runner_up: Option<(String, f64)>,
    /// Why the image was picked.
    pub pick: Pick,
}

/// Picks images that the head is least confident about and that differ from each other; see [`select`].
///
/// The features of all images' centre views are held in memory.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if `near` is out of range; no images; a head, store or
/// backbone that does not fit; a device that does not work.
pub fn suggest(options: &SuggestOptions, progress: &dyn Progress) -> Result<SuggestReport> {
    check_near(options.near)?;
    let classifier = options.head.open()?;
    let mut candidates = match &options.data {
        Unlabelled::Store(path) => of_store(path, &classifier, options, progress)?,
        Unlabelled::Images(inputs) => of_images(inputs, &classifier, options, progress)?,
    };
    let params = SelectionParams {
        top: options.top,
        near: options.near,
    };
    let rows = UnitRows::scaled(candidates.take_centres(&classifier));
    let picks = select(&candidates.uncertainties, &rows, params);
    let suggestion = |pick| candidates.suggestion(pick, classifier.classes());
    let suggestions = picks.into_iter().map(suggestion);
    Ok(SuggestReport {
        suggestions: suggestions.collect(),
        n_images: candidates.paths.len(),
        labelled: candidates.labelled,
        laid_labels: candidates.laid_labels,
        skipped: candidates.skipped,
        notes: candidates.notes,
    })
}

fn of_store(
    path: &Path,
    classifier: &Predictor,
    options: &SuggestOptions,
    progress: &dyn Progress,
) -> Result<Candidates> {
    let (mut store, notes) = open_store(path, &[classifier])?;
    store.require_samples()?;
    let labels = options.labels.as_ref();
    let laid = labels.map(|labels| laid_labels::leave_out(labels, &mut store));
    let mut candidates = Candidates {
        laid_labels: laid.transpose()?,
        notes,
        labelled: store.leave_out(|digest| !is_labelled(classifier, digest)),
        ..Candidates::default()
    };
    candidates.collect(store.into(), classifier, progress)?;
    // An image with features but without a prediction is not the store's fault.
    let store = candidates.skipped.is_empty().then_some(path);
    Ok(candidates.not_empty(store)?)
}

fn of_images(
    inputs: &Inputs,
    classifier: &Predictor,
    options: &SuggestOptions,
    progress: &dyn Progress,
) -> Result<Candidates> {
    let mut scan = inputs.scan(Labels::None, progress)?;
    let labels = options.labels.as_ref();
    let laid = labels.map(|labels| laid_labels::leave_out_of_scan(labels, &mut scan));
    let laid_labels = laid.transpose()?;
    let (images, how) = (Images::of(&scan.entries), &options.head.computing);
    let source = Source::from(Computed::of(images, classifier.spec(), how)?);
    let mut candidates = Candidates {
        laid_labels,
        ..Candidates::default()
    };
    let done = candidates.collect(source, classifier, progress)?;
    candidates.notes = [done.network_notes, scan.notes].concat();
    // A list may be empty.
    if scan.entries.is_empty() {
        return Ok(candidates);
    }
    Ok(candidates.not_empty(None)?)
}

/// The N images to pick from. The probabilities of all classes would take as much memory as the features.
#[derive(Default)]
struct Candidates {
    /// (N).
    paths: Texts,
    /// The two most probable classes, fewer if the head has only one, (N).
    best: Vec<[Option<(usize, f64)>; 2]>,
    /// (N).
    uncertainties: Vec<f64>,
    /// The features of each image's centre view, (N, D).
    centres: Vec<f32>,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
    /// Images that are already labelled: the head was trained or validated on them.
    labelled: usize,
    laid_labels: Option<LaidLabels>,
}

impl Candidates {
    /// Collects the unlabelled images. Images with features but without a prediction come last in `skipped`.
    fn collect(
        &mut self,
        source: Source<'_>,
        classifier: &Predictor,
        progress: &dyn Progress,
    ) -> Result<Done> {
        let views = &classifier.spec().views;
        let mut unpredicted = Vec::new();
        let done = source.each(views, progress, &mut |samples| {
            let mut images = samples
                .features
                .axis_chunks_iter(Axis(0), views.len().max(1));
            for (row, predicted) in predict(classifier, samples)? {
                let path = row.path.clone();
                let digest = row.content.as_ref().map(|content| content.digest);
                let image = digest.is_ok().then(|| images.next()).flatten();
                match (predicted, image) {
                    _ if digest.is_ok_and(|digest| is_labelled(classifier, &digest)) => {
                        self.labelled += 1;
                    }
                    (Ok((_, prediction)), Some(image)) => {
                        let top = prediction.top(2);
                        self.paths.push(&path);
                        self.best.push([0, 1].map(|place| top.get(place).copied()));
                        self.uncertainties
                            .push(uncertainty(prediction.probabilities()));
                        self.centres.extend(image.row(0));
                    }
                    (Err(reason), None) => self.skipped.push(Skipped { path, reason }),
                    (Err(reason), Some(_)) => unpredicted.push(Skipped { path, reason }),
                    (Ok(_), None) => unreachable!("a prediction needs features"),
                }
            }
            Ok(())
        })?;
        self.skipped.extend(unpredicted);
        Ok(done)
    }

    fn take_centres(&mut self, classifier: &Predictor) -> Array2<f32> {
        let shape = (self.paths.len(), classifier.spec().backbone.num_features);
        let centres = std::mem::take(&mut self.centres);
        Array2::from_shape_vec(shape, centres).expect("each centre has D values")
    }

    fn suggestion(&self, pick: Pick, classes: &ClassIndex) -> Suggestion {
        let named = |(class, p)| (classes.name(class).unwrap_or_default().to_owned(), p);
        let [best, runner_up] = self.best[pick.row].map(|found| found.map(named));
        let (label, probability) = best.unwrap_or_default();
        Suggestion {
            path: self.paths.get(pick.row).unwrap_or_default().to_owned(),
            label,
            probability,
            runner_up,
            pick,
        }
    }

    /// Returns an error if there is nothing to pick from; it names `store` if that is the cause.
    fn not_empty(self, store: Option<&Path>) -> Result<Self, TaskError> {
        let features = store.map(Path::to_owned);
        let listed = self.laid_labels.as_ref().map_or(0, |laid| laid.n_labelled);
        match (self.uncertainties.is_empty(), self.labelled + listed) {
            (false, _) => Ok(self),
            (true, 0) => Err(TaskError::NothingToSuggest {
                features,
                first: self.skipped.first().map(Skipped::told),
            }),
            (true, labelled) => Err(TaskError::AllLabelled { features, labelled }),
        }
    }
}

/// Returns whether the head was trained or validated on an image.
fn is_labelled(classifier: &Predictor, digest: &Digest) -> bool {
    classifier.record().role(&digest.0) != ImageRole::New
}
