//! A fit by each solver: what it is given, and the way into and out of standardised features.

use super::epochs::{Passes, run};
use super::figures::{EpochFigures, ValidationFigures};
use super::linfa_logistic::minimise_by_linfa;
use super::run::Fit;
use crate::error::Result;
use crate::head::data::{LabelledFeatures, RowOrder, Standard};
use crate::head::lbfgs::{Problem, Stop, minimise};
use crate::head::linear::{LinearHead, Targets};
use crate::head::params::{FitValidParams, Solver};
use crate::head::sgd::{BatchLoss, Sgd};

/// What a solver is given.
pub(crate) struct Job<'a> {
    pub(crate) params: &'a FitValidParams,
    pub(crate) train: LabelledFeatures<'a>,
    /// Those of its images that are trained on.
    pub(crate) images: &'a [usize],
    pub(crate) validation: Option<LabelledFeatures<'a>>,
    pub(crate) class_weights: Vec<f64>,
    /// How much each image counts, (N), 0 for those that are not trained on; SGD takes the others as equal.
    pub(crate) image_weights: Vec<f64>,
    /// Epochs of SGD, over which its schedule is spread.
    pub(crate) epochs: usize,
}

/// SGD from a head, on standardised features where that is asked for.
pub(crate) fn by_sgd(
    start: &LinearHead,
    job: Job<'_>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    if !job.params.values().standardize {
        return in_memory(start, job, on_epoch);
    }
    let standard = Standard::of(&job.train, &job.image_weights);
    let train = standard.apply(job.train.features());
    let validation = job.validation.map(|set| standard.apply(set.features()));
    let replaced = job.validation.as_ref().zip(validation.as_ref());
    let standardised = Job {
        train: job.train.with_features(train.view()),
        validation: replaced.map(|(set, features)| set.with_features(features.view())),
        ..job
    };
    let fit = in_memory(&standard.unfold_head(start), standardised, on_epoch)?;
    Ok(Fit {
        head: standard.fold_head(&fit.head),
        ..fit
    })
}

fn in_memory(
    start: &LinearHead,
    job: Job<'_>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let set = &job.train;
    let mut passes = WholePasses {
        order: RowOrder::of(job.params.values().seed, job.images.to_vec(), set.views()),
        train: job.train,
        validation: job.validation,
    };
    run(
        start,
        job.params,
        job.epochs,
        job.class_weights,
        &mut passes,
        on_epoch,
    )
}

/// Epochs over features that are all in memory.
struct WholePasses<'a> {
    train: LabelledFeatures<'a>,
    validation: Option<LabelledFeatures<'a>>,
    order: RowOrder,
}

impl Passes for WholePasses<'_> {
    fn epoch(&mut self, sgd: &mut Sgd, batch_size: usize) -> Result<BatchLoss> {
        sgd.steps(&self.train, &self.order.next_epoch(), batch_size)
    }

    fn validate(&mut self, head: &LinearHead) -> Result<Option<ValidationFigures>> {
        let figures = |set| ValidationFigures::of(head, set);
        self.validation.as_ref().map(figures).transpose()
    }
}

/// A solver that goes to the minimum, from a head.
pub(crate) fn to_minimum(start: &LinearHead, job: Job<'_>) -> Result<Fit> {
    let (values, set) = (job.params.values(), &job.train);
    let images = job.image_weights;
    let standard = if values.standardize {
        Some(Standard::of(set, &images))
    } else {
        Standard::centred(set, &images)
    };
    let targets = Targets::new(job.class_weights, values.label_smoothing);
    let problem = Problem::new(set, targets, images, values.l2, standard);
    let stop = Stop {
        tolerance: values.tol,
        iterations: values.max_iter,
    };
    let (head, optimum) = match values.solver {
        Solver::Linfa => minimise_by_linfa(set, job.images, &problem, stop)?,
        Solver::Lbfgs | Solver::Sgd => minimise(set, &problem, start, stop)?,
    };
    let validation = job.validation.as_ref();
    let validation = validation.map(|set| ValidationFigures::of(&head, set));
    Ok(Fit {
        validation: validation.transpose()?,
        optimum: Some(optimum),
        ..Fit::of(head)
    })
}
