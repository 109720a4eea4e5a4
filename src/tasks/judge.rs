//! A head's prediction for each labelled sample: what `evaluate` and every other look at its mistakes start from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::Array2;
use serde::Serialize;

use super::acquaintance::{Acquaintance, Basis, TrainingImages};
use super::classify::{ClassifyOptions, predict_one};
use super::featured::{Featured, Images, with_features};
use super::fit_head::free;
use super::inputs::{Inputs, Skipped};
use crate::backbones::Engine;
use crate::classes::ClassIndex;
use crate::classifier::{Classifier, Prediction, Verdict, top};
use crate::error::{Error, Result};
use crate::features::{Digest, FeatureStore, is_store};
use crate::head::{Evaluation, Interval};
use crate::images::{Labels, Names, Scan};
use crate::phrases::{counted, in_quotes};
use crate::progress::Progress;

/// What to judge a head on: features, or images with the options of classification.
#[derive(Debug, Clone)]
pub struct JudgeOptions {
    /// A feature store, or a folder of images with a folder for each class.
    pub data: PathBuf,
    /// Which files of a folder are images.
    pub names: Names,
    /// How images are classified; its `inputs` are not used.
    pub classify: ClassifyOptions,
    /// What becomes of images that the head was trained on.
    pub training_images: TrainingImages,
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
    /// Images that the head's rejection calls unknown; none where it has no rejection. Out-of-fold images are not asked.
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

/// The labelled images that the head's rejection accepts: with those that it calls unknown they are all of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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
    let classify = &options.classify;
    let classifier = Classifier::open(&classify.head, classify.tta)?.rejecting(classify.rejecting);
    Ok(judge_by(&[&classifier], options, progress)?.remove(0))
}

/// [`judge`] by several heads that use the same features of the same images, which are computed once.
pub(super) fn judge_by(
    classifiers: &[&Classifier],
    options: &JudgeOptions,
    progress: &dyn Progress,
) -> Result<Vec<Judged>> {
    let known = Known {
        classifiers,
        training_images: options.training_images,
    };
    let mut tallies: Vec<_> = classifiers.iter().map(|c| Tally::new(c, known)).collect();
    let (engine, notes) = if is_store(&options.data) {
        from_store(options, &mut tallies)?
    } else {
        from_images(options, &mut tallies, progress)?
    };
    tallies
        .into_iter()
        .map(|tally| tally.judged(options, engine.clone(), notes.clone()))
        .collect()
}

/// Which images all heads may be judged on.
#[derive(Clone, Copy)]
struct Known<'a> {
    classifiers: &'a [&'a Classifier],
    training_images: TrainingImages,
}

impl Known<'_> {
    /// Why the prediction of a head for an image counts; none where some head has only learned it by heart.
    fn basis(self, classifier: &Classifier, digest: Digest) -> Option<Basis> {
        let all = self.classifiers.iter();
        let usable = |c: &&Classifier| Basis::of(c, digest, self.training_images).is_some();
        if all.copied().all(|c| usable(&c)) {
            Basis::of(classifier, digest, self.training_images)
        } else {
            None
        }
    }
}

/// Checks that the probabilities of so many images fit into so many bytes of memory: each stands in an item, in a matrix, and
/// in the order of its class.
fn check_room(images: usize, classes: usize, free: u64) -> Result<()> {
    let numbers = images.saturating_mul(classes);
    let needed = (numbers as u64).saturating_mul(3 * size_of::<f64>() as u64);
    if needed <= free {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::Input {
        problem: format!(
            "the probabilities of {} take {} MiB, and {} MiB of memory are free",
            counted(images, "image"),
            mib(needed),
            mib(free)
        ),
        hint: "evaluate fewer images at a time, or end other programs".to_owned(),
    })
}

/// The classes of all heads together.
fn n_classes(tallies: &[Tally<'_>]) -> usize {
    let classes = tallies.iter().map(|tally| tally.classifier.classes().len());
    classes.sum()
}

fn from_store(options: &JudgeOptions, tallies: &mut [Tally<'_>]) -> Result<(Engine, Vec<String>)> {
    let store = FeatureStore::open(&options.data)?;
    let (rows, digests): (Vec<_>, Vec<_>) = store.index().used().unzip();
    check_room(digests.len(), n_classes(tallies), free())?;
    let mut notes = Vec::new();
    for tally in tallies {
        let classifier = tally.classifier;
        notes.extend(classifier.require(
            &store.manifest().spec,
            &format!("the features `{}`", options.data.display()),
        )?);
        let features = store.views(&digests, &classifier.spec().views)?;
        let predictions = classifier.predict(features.view())?;
        for ((row, &digest), prediction) in rows.iter().zip(&digests).zip(predictions) {
            let image = (row.path.clone(), row.class.as_deref(), digest);
            tally.add(image, prediction.map_err(|why| why.to_string()));
        }
    }
    notes.dedup();
    Ok((store.manifest().engine.clone(), notes))
}

fn from_images(
    options: &JudgeOptions,
    tallies: &mut [Tally<'_>],
    progress: &dyn Progress,
) -> Result<(Engine, Vec<String>)> {
    let inputs = Inputs::Paths(vec![options.data.clone()], options.names);
    let scan = inputs.scan(Labels::FromFolders)?;
    // Before everything is computed rather than after.
    for tally in &*tallies {
        Tally::new(tally.classifier, tally.known).refuse_unlabelled(&scan, options)?;
    }
    check_room(scan.entries.len(), n_classes(tallies), free())?;
    let classifier = tallies[0].classifier;
    let each = &mut |image: Featured<'_>| {
        tallies
            .iter_mut()
            .try_for_each(|tally| tally.predict(&image))
    };
    let images = Images::Scanned(scan);
    let report = with_features(classifier, &options.classify, images, progress, each)?;
    Ok((report.engine, report.notes))
}

/// The predictions of one head, as they come.
struct Tally<'a> {
    classifier: &'a Classifier,
    known: Known<'a>,
    items: Vec<JudgedItem>,
    /// Training images, which count where there is nothing else to judge the head on.
    left_out: Vec<JudgedItem>,
    unlabelled: usize,
    unknown_classes: BTreeMap<String, usize>,
    rejected: Option<Rejected>,
    acquaintance: Acquaintance,
    skipped: Vec<Skipped>,
}

impl<'a> Tally<'a> {
    fn new(classifier: &'a Classifier, known: Known<'a>) -> Self {
        Self {
            classifier,
            known,
            acquaintance: Acquaintance::of(classifier),
            items: Vec::new(),
            left_out: Vec::new(),
            unlabelled: 0,
            unknown_classes: BTreeMap::new(),
            rejected: classifier.rejection().map(|_| Rejected::default()),
            skipped: Vec::new(),
        }
    }

    fn predict(&mut self, image: &Featured<'_>) -> Result<()> {
        let path = image.path.clone();
        match &image.features {
            Err(reason) => self.skip(path, reason.clone()),
            Ok((digest, features)) => {
                let prediction = predict_one(self.classifier, *features)?;
                self.add((path, image.class.as_deref(), *digest), prediction);
            }
        }
        Ok(())
    }

    fn skip(&mut self, path: String, reason: String) {
        self.skipped.push(Skipped { path, reason });
    }

    /// Refuses images none of which has a class that the head knows.
    fn refuse_unlabelled(mut self, scan: &Scan, options: &JudgeOptions) -> Result<()> {
        let mut known = false;
        for found in &scan.entries {
            match &found.sample().class {
                _ if found.reason().is_some() => {}
                None => self.unlabelled += 1,
                Some(name) if self.classifier.classes().class_to_idx(name).is_some() => {
                    known = true;
                }
                Some(name) => *self.unknown_classes.entry(name.to_string()).or_insert(0) += 1,
            }
        }
        if known && self.unlabelled == 0 {
            return Ok(());
        }
        Err(self.nothing_to_judge(options))
    }

    /// Counts an image, given by its path, class and digest, with its prediction or the reason for leaving it out.
    fn add(
        &mut self,
        (path, class, digest): (String, Option<&str>, Digest),
        prediction: Result<Prediction, String>,
    ) {
        let prediction = match prediction {
            Ok(prediction) => prediction,
            Err(reason) => return self.skip(path, reason),
        };
        let classes = self.classifier.classes();
        let target = match class.map(|name| classes.class_to_idx(name).ok_or(name)) {
            None => {
                self.unlabelled += 1;
                return;
            }
            Some(Err(name)) => {
                *self.unknown_classes.entry(name.to_owned()).or_insert(0) += 1;
                if let Some(rejected) = &mut self.rejected {
                    rejected.unknown_classes += usize::from(prediction.verdict() != Verdict::Known);
                }
                return;
            }
            Some(Ok(target)) => target,
        };
        let basis = self.known.basis(self.classifier, digest);
        let unseen = match basis {
            Some(Basis::OutOfFold) => self.classifier.out_of_fold(&digest),
            Some(Basis::New | Basis::HeldOut | Basis::Training) | None => None,
        };
        let prediction = unseen.unwrap_or(prediction);
        let item = JudgedItem {
            path,
            digest,
            target,
            probabilities: prediction.probabilities().to_vec(),
            basis: basis.unwrap_or(Basis::Training),
            verdict: prediction.verdict(),
        };
        if basis.is_some() {
            self.take(item);
        } else {
            self.left_out.push(item);
        }
    }

    /// Takes an image into the figures.
    fn take(&mut self, item: JudgedItem) {
        self.acquaintance.count(item.basis);
        let predicted = top(&item.probabilities, 1).first().map(|(class, _)| *class);
        self.count_rejected(predicted == Some(item.target), item.verdict);
        self.items.push(item);
    }

    /// Counts an image of a known class that the rejection calls unknown.
    fn count_rejected(&mut self, is_right: bool, verdict: Verdict) {
        if let Some(rejected) = &mut self.rejected {
            let count = if is_right {
                &mut rejected.right
            } else {
                &mut rejected.wrong
            };
            *count += usize::from(verdict != Verdict::Known);
        }
    }

    fn judged(
        mut self,
        options: &JudgeOptions,
        engine: Engine,
        mut notes: Vec<String>,
    ) -> Result<Judged> {
        let left_out = std::mem::take(&mut self.left_out);
        if self.items.is_empty() {
            // Optimistic figures, which are said to be so, are more use than none.
            for item in left_out {
                self.take(item);
            }
        } else {
            self.acquaintance.left_out = left_out.len();
        }
        if self.items.is_empty() || self.unlabelled > 0 {
            return Err(self.nothing_to_judge(options));
        }
        if self.rejected.is_some() && self.acquaintance.out_of_fold > 0 {
            notes.push(
                "the head's rejection is not applied to training images that are judged out of fold: it knows them"
                    .to_owned(),
            );
            self.rejected = None;
        }
        Ok(Judged {
            classes: self.classifier.classes().clone(),
            items: self.items,
            unknown_classes: self.unknown_classes,
            rejected: self.rejected,
            acquaintance: self.acquaintance,
            skipped: self.skipped,
            notes,
            engine,
        })
    }

    fn nothing_to_judge(&self, options: &JudgeOptions) -> Error {
        let data = options.data.display();
        let known = in_quotes(self.classifier.classes().iter());
        let unknown = in_quotes(self.unknown_classes.keys().map(String::as_str));
        let problem = if self.unlabelled > 0 {
            format!(
                "{} of `{data}` {} no class",
                counted(self.unlabelled, "image"),
                if self.unlabelled == 1 { "has" } else { "have" }
            )
        } else if unknown.is_empty() {
            let reasons = self.skipped.first().map_or(String::new(), |first| {
                format!(", as `{}`: {}", first.path, first.reason)
            });
            format!("`{data}` holds no usable image{reasons}")
        } else {
            format!("the head knows none of the classes of `{data}`: {unknown}")
        };
        let hint = format!(
            "the head's classes are {known}; give a folder (or its features) with a folder for each"
        );
        Error::Input { problem, hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_that_do_not_fit_are_refused_with_both_sizes() {
        let error = check_room(50_000, 21_843, 16 << 30)
            .unwrap_err()
            .to_string();
        // 50,000 · 21,843 · 24 bytes.
        assert!(
            error.contains("of 50000 images take 24998 MiB, and 16384 MiB"),
            "{error}"
        );
        assert!(check_room(50_000, 1000, 16 << 30).is_ok());
        assert!(check_room(usize::MAX, usize::MAX, u64::MAX - 1).is_err());
    }
}
