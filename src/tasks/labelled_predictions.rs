//! A head's prediction for each labelled sample, the common first step of `evaluate` and `report`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::Array2;
use serde::Serialize;

use super::inputs::{Inputs, Skipped};
use super::memory::{check_room, free};
use super::predictions::{HeadOptions, open_store, predict};
use super::training_overlap::{Basis, TrainingImages, TrainingOverlap};
use crate::backbones::Engine;
use crate::classes::ClassIndex;
use crate::classifier::{Prediction, Predictor, Verdict, top};
use crate::error::{Result, TaskError};
use crate::features::{Computed, Digest, Images, IndexRow, Samples, Source, try_is_store};
use crate::head::{Evaluation, Interval};
use crate::images::{Labels, Names, PIXEL_VERSION, Scan};
use crate::progress::Progress;

/// The data to evaluate a head on, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EvaluationInput {
    /// A feature store, or a folder of images with one subfolder per class.
    pub data: PathBuf,
    /// Which files in a folder are images.
    pub names: Names,
    /// The head.
    pub head: HeadOptions,
    /// How to treat images that the head was trained on.
    pub training_images: TrainingImages,
}

impl EvaluationInput {
    /// Evaluates `head` on the images in `data` that it was not trained on.
    #[must_use]
    pub fn new(data: PathBuf, head: HeadOptions) -> Self {
        Self {
            data,
            names: Names::default(),
            head,
            training_images: TrainingImages::default(),
        }
    }

    /// Lists the images, unless the data is a store.
    pub(super) fn scan(&self) -> Result<Option<Scan>> {
        if try_is_store(&self.data)? {
            return Ok(None);
        }
        let inputs = Inputs::Paths(vec![self.data.clone()], self.names);
        inputs.scan(Labels::FromFolders).map(Some)
    }
}

/// A labelled sample with its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPrediction {
    /// Its path as text: the path to open for images, the path in the index for a store.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its true class, an index into [`LabelledPredictions::classes`].
    pub target: usize,
    /// The probability of each class, (C); out-of-fold where `basis` is [`Basis::OutOfFold`].
    pub probabilities: Vec<f64>,
    /// The image's relation to the head's training.
    pub basis: Basis,
    /// Whether the head rejects it.
    pub verdict: Verdict,
}

/// All labelled samples with their predictions, and what could not be predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPredictions {
    /// The head's classes.
    pub classes: ClassIndex,
    /// The samples whose class the head knows, in input order; at least one.
    pub items: Vec<LabelledPrediction>,
    /// Samples of classes that the head does not know, by class; they are not among the items.
    pub unknown_classes: BTreeMap<String, usize>,
    /// Images that the head rejects; `None` if it has no rejection, or if items are evaluated out of fold.
    pub rejected: Option<Rejected>,
    /// How many of the items the head was trained on, and how many training images are excluded.
    pub training_overlap: TrainingOverlap,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The engine that computed the features.
    pub engine: Engine,
}

impl LabelledPredictions {
    /// Returns the true class of each item, (N).
    #[must_use]
    pub fn targets(&self) -> Vec<usize> {
        self.items.iter().map(|item| item.target).collect()
    }

    /// Returns the probabilities of each item, (N, C).
    ///
    /// # Panics
    /// If an item does not have exactly one probability per class.
    #[must_use]
    pub fn probabilities(&self) -> Array2<f64> {
        let rows = self.items.iter().flat_map(|item| &item.probabilities);
        let shape = (self.items.len(), self.classes.len());
        Array2::from_shape_vec(shape, rows.copied().collect())
            .expect("each item has one probability per class")
    }
}

/// The accuracy of a head on the labelled images that it does not reject.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Accepted {
    /// Accepted images.
    pub n: usize,
    /// Accepted images whose label is right.
    pub right: usize,
    /// The share of all images that are accepted, in [0, 1].
    pub coverage: f64,
    /// The share of accepted images whose label is right, in [0, 1]; `None` if none is accepted.
    pub accuracy: Option<f64>,
    /// The 95 % confidence interval of `accuracy`.
    pub accuracy_interval: Option<Interval>,
}

impl Accepted {
    /// Subtracts the rejected images from an evaluation of all images.
    pub(super) fn of(evaluation: &Evaluation, rejected: Rejected) -> Self {
        let n = evaluation.n_samples - rejected.right - rejected.wrong;
        let right = evaluation.n_right() - rejected.right;
        Self {
            n,
            right,
            coverage: n as f64 / evaluation.n_samples as f64,
            accuracy: (n > 0).then(|| right as f64 / n as f64),
            accuracy_interval: Interval::wilson(right as u64, n as u64),
        }
    }
}

/// How many images the head rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Rejected {
    /// Rejected images whose label would be right.
    pub right: usize,
    /// Rejected images whose label would be wrong.
    pub wrong: usize,
    /// Rejected images of classes that the head does not know.
    pub unknown_classes: usize,
}

/// Predicts every labelled sample with a head.
///
/// # Errors
/// A head or store that cannot be read, features that do not fit the head, samples without a class, or no
/// sample of a class that the head knows.
pub fn predict_labelled(
    options: &EvaluationInput,
    progress: &dyn Progress,
) -> Result<LabelledPredictions> {
    predict_scanned(options, options.scan()?.as_ref(), progress)
}

/// Like [`predict_labelled`], with the images that [`EvaluationInput::scan`] has found.
pub(super) fn predict_scanned(
    options: &EvaluationInput,
    scan: Option<&Scan>,
    progress: &dyn Progress,
) -> Result<LabelledPredictions> {
    Ok(predict_labelled_with(&[&options.head.open()?], (options, scan), progress)?.remove(0))
}

/// Like [`predict_scanned`], for several heads on the same features, which are computed once.
pub(super) fn predict_labelled_with(
    classifiers: &[&Predictor],
    input: (&EvaluationInput, Option<&Scan>),
    progress: &dyn Progress,
) -> Result<Vec<LabelledPredictions>> {
    let all = collect_labelled(classifiers, input, progress, |_| Vec::new())?;
    let with_items = |(labelled, items)| LabelledPredictions { items, ..labelled };
    Ok(all.into_iter().map(with_items).collect())
}

/// Where the predictions of labelled samples go.
pub(super) trait Items {
    /// Adds a sample.
    fn add(&mut self, item: LabelledPrediction) -> Result<()>;
    fn is_empty(&self) -> bool;
    /// How many samples of a number of images are in memory at a time.
    fn in_memory(n: usize) -> usize;
}

impl Items for Vec<LabelledPrediction> {
    fn add(&mut self, item: LabelledPrediction) -> Result<()> {
        self.push(item);
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn in_memory(n: usize) -> usize {
        n
    }
}

/// Like [`predict_labelled_with`], with the samples of each head in what `items` creates for its classes. The
/// predictions that are returned have no items.
pub(super) fn collect_labelled<I: Items>(
    classifiers: &[&Predictor],
    (options, scan): (&EvaluationInput, Option<&Scan>),
    progress: &dyn Progress,
    items: impl Fn(&ClassIndex) -> I,
) -> Result<Vec<(LabelledPredictions, I)>> {
    let (source, mut notes) = if let Some(scan) = scan {
        images::<I>(scan, classifiers, options)?
    } else {
        let (store, notes) = open_store(&options.data, classifiers)?;
        store.require_samples()?;
        let n = I::in_memory(store.index().n_used());
        check_room(n, n_classes(classifiers), free())?;
        (Source::from(store), notes)
    };
    let engine = source.engine().expect("a network was loaded").clone();
    let tallies = classifiers.iter().copied().map(|classifier| {
        let own = || items(classifier.classes());
        Tally::new(classifier, (classifiers, options), engine.clone(), own)
    });
    let mut tallies: Vec<Tally<'_, I>> = tallies.collect();
    let first = classifiers[0];
    let done = source.each(&first.spec().views, progress, &mut |samples| {
        tallies.iter_mut().try_for_each(|tally| tally.take(samples))
    })?;
    notes.extend([done.store_notes, done.network_notes].concat());
    notes.extend(scan.and_then(|_| first.pixel_note(PIXEL_VERSION)));
    let tallies = tallies.into_iter();
    tallies.map(|tally| tally.finish(&notes)).collect()
}

/// Opens the scanned images as a source of features for all heads. Unusable input is refused here, before
/// anything is computed.
fn images<'a, I: Items>(
    scan: &'a Scan,
    classifiers: &[&Predictor],
    options: &EvaluationInput,
) -> Result<(Source<'a>, Vec<String>)> {
    for classifier in classifiers {
        refuse_unlabelled(scan, classifier, options)?;
    }
    let n = I::in_memory(scan.entries.len());
    check_room(n, n_classes(classifiers), free())?;
    let (images, how) = (Images::of(&scan.entries), &options.head.computing);
    let images = Computed::of(images, classifiers[0].spec(), how)?;
    Ok((images.into(), scan.notes.clone()))
}

/// Refuses a scan with unlabelled images, or without any image of a class that the head knows.
fn refuse_unlabelled(scan: &Scan, classifier: &Predictor, options: &EvaluationInput) -> Result<()> {
    let (mut is_known, mut left_out) = (false, LeftOut::default());
    let samples = scan.entries.iter().filter(|found| found.reason().is_none());
    for found in samples {
        is_known |= left_out
            .target(found.sample().class.as_deref(), classifier)
            .is_some();
    }
    if is_known && left_out.unlabelled == 0 {
        return Ok(());
    }
    Err(left_out
        .nothing_to_evaluate(classifier, options, None)
        .into())
}

/// Returns the sum of all heads' class counts.
fn n_classes(classifiers: &[&Predictor]) -> usize {
    classifiers.iter().map(|head| head.classes().len()).sum()
}

/// Counts of images that cannot be evaluated.
#[derive(Default)]
struct LeftOut {
    unlabelled: usize,
    /// Images of classes that the head does not know, by class.
    unknown_classes: BTreeMap<String, usize>,
}

impl LeftOut {
    /// Returns the index of an image's class; counts the image if the head does not know its class.
    fn target(&mut self, class: Option<&str>, classifier: &Predictor) -> Option<usize> {
        let Some(name) = class else {
            self.unlabelled += 1;
            return None;
        };
        let target = classifier.classes().class_to_idx(name);
        if target.is_none() {
            *self.unknown_classes.entry(name.to_owned()).or_insert(0) += 1;
        }
        target
    }

    fn nothing_to_evaluate(
        &self,
        classifier: &Predictor,
        options: &EvaluationInput,
        skipped: Option<&Skipped>,
    ) -> TaskError {
        let data = options.data.clone();
        let known = classifier.classes().iter().map(str::to_owned).collect();
        if self.unlabelled > 0 {
            return TaskError::NoClass {
                data,
                unlabelled: self.unlabelled,
                known,
            };
        }
        if self.unknown_classes.is_empty() {
            let first = skipped.map(Skipped::told);
            return TaskError::NothingToEvaluate { data, first, known };
        }
        TaskError::OtherClasses {
            data,
            classes: self.unknown_classes.keys().cloned().collect(),
            known,
        }
    }
}

/// Collects the predictions of one head.
struct Tally<'a, I> {
    classifier: &'a Predictor,
    /// All heads: an image is included only if each head may be evaluated on it.
    classifiers: &'a [&'a Predictor],
    options: &'a EvaluationInput,
    labelled: LabelledPredictions,
    included: Side<I>,
    /// Training images, used only if there is nothing else to evaluate the head on.
    training: Side<I>,
    left_out: LeftOut,
}

/// Some images of an evaluation.
struct Side<I> {
    items: I,
    rejected: Rejected,
    overlap: TrainingOverlap,
    n: usize,
}

impl<I: Items> Side<I> {
    fn new(items: I, classifier: &Predictor) -> Self {
        Self {
            items,
            rejected: Rejected::default(),
            overlap: TrainingOverlap::of(classifier),
            n: 0,
        }
    }

    fn add(&mut self, item: LabelledPrediction) -> Result<()> {
        self.n += 1;
        self.overlap.count(item.basis);
        if item.verdict != Verdict::Known {
            let predicted = top(&item.probabilities, 1).first().map(|(class, _)| *class);
            *if predicted == Some(item.target) {
                &mut self.rejected.right
            } else {
                &mut self.rejected.wrong
            } += 1;
        }
        self.items.add(item)
    }
}

impl<'a, I: Items> Tally<'a, I> {
    fn new(
        classifier: &'a Predictor,
        (classifiers, options): (&'a [&'a Predictor], &'a EvaluationInput),
        engine: Engine,
        items: impl Fn() -> I,
    ) -> Self {
        let labelled = LabelledPredictions {
            classes: classifier.classes().clone(),
            items: Vec::new(),
            unknown_classes: BTreeMap::new(),
            rejected: classifier.rejection().map(|_| Rejected::default()),
            training_overlap: TrainingOverlap::of(classifier),
            skipped: Vec::new(),
            notes: Vec::new(),
            engine,
        };
        Self {
            classifier,
            classifiers,
            options,
            labelled,
            included: Side::new(items(), classifier),
            training: Side::new(items(), classifier),
            left_out: LeftOut::default(),
        }
    }

    fn take(&mut self, samples: Samples<'_>) -> Result<()> {
        for (row, predicted) in predict(self.classifier, samples)? {
            match predicted {
                Ok((digest, prediction)) => self.add(row, digest, prediction)?,
                Err(reason) => {
                    let path = row.path.clone();
                    self.labelled.skipped.push(Skipped { path, reason });
                }
            }
        }
        Ok(())
    }

    /// Adds an image with its prediction.
    fn add(&mut self, row: &IndexRow, digest: Digest, prediction: Prediction) -> Result<()> {
        let class = row.class.as_deref();
        let Some(target) = self.left_out.target(class, self.classifier) else {
            if let (Some(_), Some(rejected)) = (class, &mut self.labelled.rejected) {
                rejected.unknown_classes += usize::from(prediction.verdict() != Verdict::Known);
            }
            return Ok(());
        };
        let basis = self.basis(digest);
        let unseen = match basis {
            Some(Basis::OutOfFold) => self.classifier.out_of_fold(&digest),
            Some(Basis::New | Basis::HeldOut | Basis::Training) | None => None,
        };
        let prediction = unseen.unwrap_or(prediction);
        let item = LabelledPrediction {
            path: row.path.clone(),
            digest,
            target,
            probabilities: prediction.probabilities().to_vec(),
            basis: basis.unwrap_or(Basis::Training),
            verdict: prediction.verdict(),
        };
        match basis {
            Some(_) => self.included.add(item),
            None => self.training.add(item),
        }
    }

    /// Returns the basis for an image; `None` if any of the heads was trained on it and has no out-of-fold
    /// prediction for it.
    fn basis(&self, digest: Digest) -> Option<Basis> {
        let of = |classifier| Basis::of(classifier, digest, self.options.training_images);
        let all = self
            .classifiers
            .iter()
            .all(|classifier| of(classifier).is_some());
        of(self.classifier).filter(|_| all)
    }

    fn finish(self, notes: &[String]) -> Result<(LabelledPredictions, I)> {
        let Self {
            mut labelled,
            left_out,
            classifier,
            options,
            ..
        } = self;
        // Optimistic metrics, reported as such, are more useful than none.
        let (side, excluded) = if self.included.items.is_empty() {
            (self.training, 0)
        } else {
            (self.included, self.training.n)
        };
        if side.items.is_empty() || left_out.unlabelled > 0 {
            let skipped = labelled.skipped.first();
            return Err(left_out
                .nothing_to_evaluate(classifier, options, skipped)
                .into());
        }
        labelled.training_overlap = TrainingOverlap {
            left_out: excluded,
            ..side.overlap
        };
        labelled.rejected = labelled.rejected.map(|rejected| Rejected {
            unknown_classes: rejected.unknown_classes,
            ..side.rejected
        });
        labelled.notes = notes.to_vec();
        let known = labelled.training_overlap.out_of_fold;
        if labelled.rejected.is_some() && known > 0 {
            labelled.notes.push(format!(
                "rejected images are not counted: the head's rejection was fitted on {known} of the images"
            ));
            labelled.rejected = None;
        }
        labelled.unknown_classes = left_out.unknown_classes;
        Ok((labelled, side.items))
    }
}
