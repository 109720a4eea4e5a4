//! The head that predicts the labels of the other images, trained again after every action.

use linfa::ParamGuard;
use ndarray::{Array1, Array2, Axis};

use super::tags::{Mark, Tags};
use super::vectors::{Vectors, in_blocks};
use crate::classes::ClassIndex;
use crate::error::Result;
use crate::head::{
    FitParams, Job, LabelledFeatures, LinearHead, Solver, approach, log_softmax, run, uncertainty,
};
use crate::progress::{Progress, Silent};

/// What a head is trained on: rows of features, and the class of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Training {
    pub(super) rows: Vec<usize>,
    pub(super) targets: Vec<usize>,
    /// The class with each target.
    pub(super) classes: Vec<u32>,
}

impl Training {
    /// Collects the labelled images that have features. Only classes with such images count.
    pub(super) fn of(tags: &Tags, vectors: &Vectors) -> Self {
        let mut target_of: Vec<Option<usize>> = Vec::new();
        let mut training = Self::default();
        for (row, &image) in vectors.images().iter().enumerate() {
            let Mark::Class(class) = tags.get(image).mark else {
                continue;
            };
            let place = class as usize;
            if target_of.len() <= place {
                target_of.resize(place + 1, None);
            }
            let target = *target_of[place].get_or_insert_with(|| {
                training.classes.push(class);
                training.classes.len() - 1
            });
            training.rows.push(row);
            training.targets.push(target);
        }
        training
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the numbers of the classes as an index of the head's own.
    pub(super) fn index(&self) -> ClassIndex {
        // The numbers, padded so that their order stays.
        let names = self.classes.iter().enumerate();
        ClassIndex::from_names(names.map(|(target, _)| format!("{target:08}")))
    }

    /// Returns the images.
    pub(super) fn images(&self, vectors: &Vectors) -> impl Iterator<Item = u32> {
        self.rows.iter().map(|&row| vectors.images()[row])
    }

    /// Returns the features of the rows.
    pub(super) fn features(&self, vectors: &Vectors) -> Array2<f32> {
        vectors.rows().select(Axis(0), &self.rows)
    }

    fn train(
        &self,
        vectors: &Vectors,
        start: Option<&Model>,
        progress: &dyn Progress,
        train: impl FnOnce(Job<'_>) -> Result<LinearHead>,
    ) -> Result<Option<Model>> {
        if self.classes.len() < 2 {
            return Ok(None);
        }
        let features = self.features(vectors);
        let index = self.index();
        let set = LabelledFeatures::new(features.view(), &self.targets, &index)?;
        let params = params().check()?;
        let mut job = Job::new(&params, &set, None);
        job.progress = progress;
        if let Some(start) = start {
            job.start = start.for_classes(&self.classes);
        }
        Ok(Some(Model {
            head: train(job)?,
            classes: self.classes.clone(),
        }))
    }

    /// Returns an even sample of the images.
    fn some(&self, most: usize) -> Self {
        if self.len() <= most {
            return self.clone();
        }
        let chosen = (0..most).map(|i| i * self.len() / most);
        let (rows, targets) = chosen.map(|i| (self.rows[i], self.targets[i])).unzip();
        Self {
            rows,
            targets,
            classes: self.classes.clone(),
        }
    }
}

/// A head with the classes that its rows stand for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    pub(super) head: LinearHead,
    pub(super) classes: Vec<u32>,
}

/// The parameters of the head: those of `fit-head --solver lbfgs`.
pub(super) fn params() -> FitParams {
    FitParams::new().solver(Solver::Lbfgs)
}

/// The multiplications that training after an action may take: about 15 ms on two CPUs.
const WORK: usize = 500_000_000;
/// The most images, and the fewest and most steps, of training after an action.
const MOST: usize = 2000;
const STEPS: (usize, usize) = (4, 12);

impl Model {
    /// Trains a head for a limited time, beginning with an earlier one; `None` for fewer than two classes.
    ///
    /// # Errors
    /// Those of a fit.
    pub(super) fn approach(
        training: &Training,
        vectors: &Vectors,
        start: Option<&Self>,
    ) -> Result<Option<Self>> {
        let columns = training.classes.len() * vectors.rows().ncols();
        // A step multiplies the features with the weights, and then with what is wrong.
        let at_least = 2 * STEPS.0 * columns.max(1);
        let most = (WORK / at_least).min(MOST).max(training.classes.len());
        let some = training.some(most);
        let steps = WORK / (2 * columns.max(1) * some.len().max(1));
        some.train(vectors, start, &Silent, |job| {
            approach(&job, steps.clamp(STEPS.0, STEPS.1))
        })
    }

    /// Trains a head to the end, beginning with an earlier one; `None` for fewer than two classes.
    ///
    /// # Errors
    /// Those of a fit; [`Error::Interrupted`](crate::Error::Interrupted).
    pub(super) fn fit(
        training: &Training,
        vectors: &Vectors,
        start: Option<&Self>,
        progress: &dyn Progress,
    ) -> Result<Option<Self>> {
        training.train(vectors, start, progress, |job| {
            Ok(run(job, &mut |_| {})?.head)
        })
    }

    /// Returns the head with other classes; new ones begin at zero.
    fn for_classes(&self, classes: &[u32]) -> LinearHead {
        let mut weight = Array2::zeros((classes.len(), self.head.n_features()));
        let mut bias = Array1::zeros(classes.len());
        for (row, class) in classes.iter().enumerate() {
            if let Some(old) = self.classes.iter().position(|known| known == class) {
                weight.row_mut(row).assign(&self.head.weight().row(old));
                bias[row] = self.head.bias()[old];
            }
        }
        LinearHead::new(weight, bias).expect("both have a row for each class")
    }

    /// Predicts all rows.
    ///
    /// # Errors
    /// If the head is for other features.
    pub(super) fn predict(&self, vectors: &Vectors) -> Result<Predictions> {
        let blocks = in_blocks(vectors.rows(), |rows| -> Result<_> {
            let logs = log_softmax(self.head.logits(rows)?);
            let of_row = logs.rows().into_iter().map(|logs| {
                let p: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
                let best = (0..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best });
                Predicted {
                    class: self.classes[best],
                    probability: p[best] as f32,
                    uncertainty: uncertainty(&p) as f32,
                }
            });
            Ok(of_row.collect::<Vec<_>>())
        });
        let blocks = blocks.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(Predictions(blocks.concat()))
    }
}

/// What the head says of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Predicted {
    pub(super) class: u32,
    pub(super) probability: f32,
    pub(super) uncertainty: f32,
}

/// What the head says of each row, (R).
#[derive(Debug, Clone, Default)]
pub(super) struct Predictions(pub(super) Vec<Predicted>);
