//! Sorts the predictions of labelled samples into those to evaluate a head on, and those left out.

use std::collections::BTreeMap;

use super::inputs::Skipped;
use super::labelled_predictions::{
    EvaluationInput, LabelledPrediction, LabelledPredictions, Rejected,
};
use super::predictions::predict;
use super::training_overlap::{Basis, TrainingOverlap};
use crate::backbones::Engine;
use crate::classifier::{Prediction, Predictor, Verdict, top};
use crate::error::{Result, TaskError};
use crate::features::{Digest, IndexRow, Samples};

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

/// Counts of images that cannot be evaluated.
#[derive(Default)]
pub(super) struct LeftOut {
    pub(super) unlabelled: usize,
    /// Images of classes that the head does not know, by class.
    unknown_classes: BTreeMap<String, usize>,
}

impl LeftOut {
    /// Returns the index of an image's class; counts the image if the head does not know its class.
    pub(super) fn target(&mut self, class: Option<&str>, classifier: &Predictor) -> Option<usize> {
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

    pub(super) fn nothing_to_evaluate(
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
pub(super) struct Tally<'a, I> {
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
    pub(super) fn new(
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
            laid_labels: None,
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

    pub(super) fn take(&mut self, samples: Samples<'_>) -> Result<()> {
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
        let basis =
            |classifier: &Predictor| Basis::of(classifier, digest, self.options.training_images);
        let own = basis(self.classifier);
        let is_included = self.classifiers.iter().all(|&head| basis(head).is_some());
        let unseen = match own {
            Some(Basis::OutOfFold) => self.classifier.out_of_fold(&digest),
            Some(Basis::New | Basis::HeldOut | Basis::Training) | None => None,
        };
        let prediction = unseen.unwrap_or(prediction);
        let item = LabelledPrediction {
            path: row.path.clone(),
            digest,
            target,
            probabilities: prediction.probabilities().to_vec(),
            basis: own.unwrap_or(Basis::Training),
            verdict: prediction.verdict(),
        };
        let side = if is_included {
            &mut self.included
        } else {
            &mut self.training
        };
        side.add(item)
    }

    pub(super) fn finish(self, notes: &[String]) -> Result<(LabelledPredictions, I)> {
        let Self {
            mut labelled,
            left_out,
            classifier,
            classifiers,
            options,
            ..
        } = self;
        // Optimistic metrics, reported as such, are more useful than none.
        let only_training = self.included.items.is_empty();
        let (side, excluded) = if only_training {
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
        if only_training && classifiers.len() > 1 {
            labelled.notes.push(
                "each image was in the training of one of the heads at least, so the comparison is optimistic"
                    .to_owned(),
            );
        }
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
