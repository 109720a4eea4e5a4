//! A head's prediction for each labelled sample: what `evaluate` and every other look at its mistakes start
//! from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::Array2;
use serde::Serialize;

use super::acquaintance::{Acquaintance, Basis, TrainingImages};
use super::inputs::{Inputs, Skipped};
use super::memory::{check_room, free};
use super::predictions::{HeadOptions, open_store, predict};
use crate::backbones::Engine;
use crate::classes::ClassIndex;
use crate::classifier::{Prediction, Predictor, Verdict, top};
use crate::error::{Result, TaskError};
use crate::features::{Computed, Digest, Images, IndexRow, Samples, Source, is_store};
use crate::head::{Evaluation, Interval};
use crate::images::{Labels, Names, PIXEL_VERSION, Scan};
use crate::progress::Progress;

/// What to judge a head on: features, or images.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JudgeOptions {
    /// A feature store, or a folder of images with a folder for each class.
    pub data: PathBuf,
    /// Which files of a folder are images.
    pub names: Names,
    /// The head.
    pub head: HeadOptions,
    /// What becomes of images that the head was trained on.
    pub training_images: TrainingImages,
}

impl JudgeOptions {
    /// All images of a store or folder that the head was not trained on.
    #[must_use]
    pub fn new(data: PathBuf, head: HeadOptions) -> Self {
        Self {
            data,
            names: Names::default(),
            head,
            training_images: TrainingImages::default(),
        }
    }
}

/// A labelled sample with its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedItem {
    /// Its name, as text: the path to open for images, that in the index for a store.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// The class that it is of, an index into [`Judged::classes`].
    pub target: usize,
    /// The probability of each class, (C); by a head that had not seen it, where the basis says so.
    pub probabilities: Vec<f64>,
    /// Why the prediction may count.
    pub basis: Basis,
    /// Whether the head's rejection calls it unknown.
    pub verdict: Verdict,
}

/// Every labelled sample with its prediction, and what could not be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The head's classes.
    pub classes: ClassIndex,
    /// The samples whose class the head knows, in input order; at least one.
    pub items: Vec<JudgedItem>,
    /// Samples of classes that the head does not know, by class; they are not among the items.
    pub unknown_classes: BTreeMap<String, usize>,
    /// Images that the head's rejection calls unknown; none where it has no rejection. Out-of-fold images are
    /// not asked.
    pub rejected: Option<Rejected>,
    /// How many of the items the head knew, and how many training images are not among them.
    pub acquaintance: Acquaintance,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// What computed the features.
    pub engine: Engine,
}

impl Judged {
    /// The class of each item, (N).
    #[must_use]
    pub fn targets(&self) -> Vec<usize> {
        self.items.iter().map(|item| item.target).collect()
    }

    /// The probabilities of each item, (N, C).
    ///
    /// # Panics
    /// Where an item was given another number of probabilities than there are classes.
    #[must_use]
    pub fn probabilities(&self) -> Array2<f64> {
        let rows = self.items.iter().flat_map(|item| &item.probabilities);
        let shape = (self.items.len(), self.classes.len());
        Array2::from_shape_vec(shape, rows.copied().collect())
            .expect("a number for each item and class")
    }
}

/// How good the head is on the labelled images that it does not reject.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Accepted {
    /// How many are accepted.
    pub n: usize,
    /// How many of those are right.
    pub right: usize,
    /// The share of the images that are accepted, in [0, 1].
    pub coverage: f64,
    /// The share of the accepted images that are right, in [0, 1]; none where none is accepted.
    pub accuracy: Option<f64>,
    /// The 95 % interval of that.
    pub accuracy_interval: Option<Interval>,
}

impl Accepted {
    /// Of images whose figures are known, without those that are called unknown.
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

/// How many images the head's rejection calls unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Rejected {
    /// Of those whose label is right.
    pub right: usize,
    /// Of those whose label is wrong.
    pub wrong: usize,
    /// Of those of classes that the head does not know.
    pub unknown_classes: usize,
}

/// Has a head predict every labelled sample.
///
/// # Errors
/// A head or store that cannot be read or do not match, samples without classes, none of a known class.
pub fn judge(options: &JudgeOptions, progress: &dyn Progress) -> Result<Judged> {
    Ok(judge_by(&[&options.head.open()?], options, progress)?.remove(0))
}

/// [`judge`] by several heads that use the same features of the same images, which are computed once.
pub(super) fn judge_by(
    classifiers: &[&Predictor],
    options: &JudgeOptions,
    progress: &dyn Progress,
) -> Result<Vec<Judged>> {
    let inputs = Inputs::Paths(vec![options.data.clone()], options.names);
    let scan = (!is_store(&options.data)).then(|| inputs.scan(Labels::FromFolders));
    let scan = scan.transpose()?;
    let (source, mut notes) = if let Some(scan) = &scan {
        images(scan, classifiers, options)?
    } else {
        let (store, notes) = open_store(&options.data, classifiers)?;
        check_room(store.index().used().count(), n_classes(classifiers), free())?;
        (Source::from(store), notes)
    };
    let engine = source.engine().expect("a network was loaded").clone();
    let tallies = classifiers.iter().copied();
    let tally = |classifier| Tally::new(classifier, classifiers, options, engine.clone());
    let mut tallies: Vec<Tally<'_>> = tallies.map(tally).collect();
    let first = classifiers[0];
    let done = source.each(&first.spec().views, progress, &mut |samples| {
        tallies.iter_mut().try_for_each(|tally| tally.take(samples))
    })?;
    notes.extend([done.store_notes, done.network_notes].concat());
    notes.extend(scan.and_then(|_| first.pixel_note(PIXEL_VERSION)));
    let tallies = tallies.into_iter();
    tallies.map(|tally| tally.judged(&notes)).collect()
}

/// Images whose features all heads can use; refused before everything is computed rather than after.
fn images<'a>(
    scan: &'a Scan,
    classifiers: &[&Predictor],
    options: &JudgeOptions,
) -> Result<(Source<'a>, Vec<String>)> {
    for classifier in classifiers {
        refuse_unlabelled(scan, classifier, options)?;
    }
    check_room(scan.entries.len(), n_classes(classifiers), free())?;
    let (images, how) = (Images::of(&scan.entries), &options.head.computing);
    let images = Computed::of(images, classifiers[0].spec(), how)?;
    Ok((images.into(), scan.notes.clone()))
}

/// Refuses images none of which has a class that the head knows, or some of which have none.
fn refuse_unlabelled(scan: &Scan, classifier: &Predictor, options: &JudgeOptions) -> Result<()> {
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
    Err(left_out.nothing_to_judge(classifier, options, None).into())
}

/// The classes of all heads together.
fn n_classes(classifiers: &[&Predictor]) -> usize {
    classifiers.iter().map(|head| head.classes().len()).sum()
}

/// Images that cannot be judged.
#[derive(Default)]
struct LeftOut {
    unlabelled: usize,
    /// Those of classes that the head does not know, by class.
    unknown_classes: BTreeMap<String, usize>,
}

impl LeftOut {
    /// The class of an image; counts it where it has none that the head knows.
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

    fn nothing_to_judge(
        &self,
        classifier: &Predictor,
        options: &JudgeOptions,
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
            return TaskError::NothingToJudge { data, first, known };
        }
        TaskError::OtherClasses {
            data,
            classes: self.unknown_classes.keys().cloned().collect(),
            known,
        }
    }
}

/// The predictions of one head, as they come.
struct Tally<'a> {
    classifier: &'a Predictor,
    /// All heads: an image counts if each of them may be judged on it.
    classifiers: &'a [&'a Predictor],
    options: &'a JudgeOptions,
    judged: Judged,
    /// Training images, which count where there is nothing else to judge the head on.
    training: Vec<JudgedItem>,
    left_out: LeftOut,
}

impl<'a> Tally<'a> {
    fn new(
        classifier: &'a Predictor,
        classifiers: &'a [&'a Predictor],
        options: &'a JudgeOptions,
        engine: Engine,
    ) -> Self {
        let judged = Judged {
            classes: classifier.classes().clone(),
            items: Vec::new(),
            unknown_classes: BTreeMap::new(),
            rejected: classifier.rejection().map(|_| Rejected::default()),
            acquaintance: Acquaintance::of(classifier),
            skipped: Vec::new(),
            notes: Vec::new(),
            engine,
        };
        Self {
            classifier,
            classifiers,
            options,
            judged,
            training: Vec::new(),
            left_out: LeftOut::default(),
        }
    }

    fn take(&mut self, samples: Samples<'_>) -> Result<()> {
        for (row, predicted) in predict(self.classifier, samples)? {
            match predicted {
                Ok((digest, prediction)) => self.add(row, digest, prediction),
                Err(reason) => {
                    let path = row.path.clone();
                    self.judged.skipped.push(Skipped { path, reason });
                }
            }
        }
        Ok(())
    }

    /// Takes an image with its prediction.
    fn add(&mut self, row: &IndexRow, digest: Digest, prediction: Prediction) {
        let class = row.class.as_deref();
        let Some(target) = self.left_out.target(class, self.classifier) else {
            if let (Some(_), Some(rejected)) = (class, &mut self.judged.rejected) {
                rejected.unknown_classes += usize::from(prediction.verdict() != Verdict::Known);
            }
            return;
        };
        let basis = self.basis(digest);
        let unseen = match basis {
            Some(Basis::OutOfFold) => self.classifier.out_of_fold(&digest),
            Some(Basis::New | Basis::HeldOut | Basis::Training) | None => None,
        };
        let prediction = unseen.unwrap_or(prediction);
        let item = JudgedItem {
            path: row.path.clone(),
            digest,
            target,
            probabilities: prediction.probabilities().to_vec(),
            basis: basis.unwrap_or(Basis::Training),
            verdict: prediction.verdict(),
        };
        match basis {
            Some(_) => self.count(item),
            None => self.training.push(item),
        }
    }

    /// Why the prediction for an image counts; none where some head has only learned it by heart.
    fn basis(&self, digest: Digest) -> Option<Basis> {
        let of = |classifier| Basis::of(classifier, digest, self.options.training_images);
        let all = self
            .classifiers
            .iter()
            .all(|classifier| of(classifier).is_some());
        of(self.classifier).filter(|_| all)
    }

    /// Takes an image into the figures.
    fn count(&mut self, item: JudgedItem) {
        self.judged.acquaintance.count(item.basis);
        let predicted = top(&item.probabilities, 1).first().map(|(class, _)| *class);
        if let Some(rejected) = &mut self.judged.rejected {
            *if predicted == Some(item.target) {
                &mut rejected.right
            } else {
                &mut rejected.wrong
            } += usize::from(item.verdict != Verdict::Known);
        }
        self.judged.items.push(item);
    }

    fn judged(mut self, notes: &[String]) -> Result<Judged> {
        let training = std::mem::take(&mut self.training);
        if self.judged.items.is_empty() {
            // Optimistic figures, which are said to be so, are more use than none.
            for item in training {
                self.count(item);
            }
        } else {
            self.judged.acquaintance.left_out = training.len();
        }
        let Self {
            mut judged,
            left_out,
            classifier,
            options,
            ..
        } = self;
        if judged.items.is_empty() || left_out.unlabelled > 0 {
            let skipped = judged.skipped.first();
            return Err(left_out
                .nothing_to_judge(classifier, options, skipped)
                .into());
        }
        judged.notes = notes.to_vec();
        if judged.rejected.is_some() && judged.acquaintance.out_of_fold > 0 {
            judged.notes.push(
                "the head's rejection is not applied to training images that are judged out of fold: it \
                knows them"
                    .to_owned(),
            );
            judged.rejected = None;
        }
        judged.unknown_classes = left_out.unknown_classes;
        Ok(judged)
    }
}
