//! The input of a fit in memory, and how each solver runs it.

use super::epochs::{Passes, run};
use super::figures::{EpochFigures, Fit, ValidationFigures};
#[cfg(feature = "linfa-logistic")]
use super::linfa_logistic::minimise_by_linfa;
use crate::error::Result;
use crate::head::data::{Block, LabelledFeatures, RowOrder, Standard};
#[cfg(feature = "serve")]
use crate::head::lbfgs::minimise_all;
use crate::head::lbfgs::{Problem, Stop, minimise};
use crate::head::linear::LinearHead;
use crate::head::params::{FitValidParams, Solver};
use crate::head::sgd::{BatchLoss, Sgd};
use crate::progress::{Progress, Silent};

/// One fit in memory.
pub(crate) struct Job<'a> {
    pub(crate) params: &'a FitValidParams,
    pub(crate) start: LinearHead,
    pub(crate) train: LabelledFeatures<'a>,
    /// The images of `train` to train on, ascending.
    pub(crate) images: Vec<usize>,
    pub(crate) validation: Option<LabelledFeatures<'a>>,
    /// The weight of each image, (N), as scikit-learn's `sample_weight`.
    pub(crate) sample_weights: Option<Vec<f64>>,
    /// The number of epochs of SGD, over which its schedule is stretched.
    pub(crate) epochs: usize,
    /// May ask the fit to stop.
    pub(crate) progress: &'a dyn Progress,
}

impl<'a> Job<'a> {
    /// Creates a fit on all images of a set, from zero weights.
    pub(crate) fn new(
        params: &'a FitValidParams,
        train: &'a LabelledFeatures<'_>,
        validation: Option<&'a LabelledFeatures<'_>>,
    ) -> Self {
        Self {
            params,
            start: LinearHead::zeros(train.classes().len(), train.features().ncols()),
            train: train.reborrow(),
            images: (0..train.n_samples()).collect(),
            validation: validation.map(LabelledFeatures::reborrow),
            sample_weights: None,
            epochs: params.values().epochs,
            progress: &Silent,
        }
    }

    /// Returns the weight of each image, (N), 0 for images that are not trained on.
    fn image_weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.train.n_samples()];
        for &image in &self.images {
            let given = self.sample_weights.as_ref();
            weights[image] = given.map_or(1.0, |given| given[image]);
        }
        weights
    }
}

/// Fits by SGD, on standardised features if the parameters say so.
pub(super) fn by_sgd(
    job: Job<'_>,
    class_weights: Vec<f64>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    if !job.params.values().standardize {
        return in_memory(job, class_weights, on_epoch);
    }
    let standard = Standard::of(&job.train, &job.image_weights());
    let train = standard.apply(job.train.features());
    let validation = job.validation.map(|set| standard.apply(set.features()));
    let replaced = job.validation.as_ref().zip(validation.as_ref());
    let job = Job {
        start: standard.unfold_head(&job.start),
        train: job.train.with_features(train.view()),
        validation: replaced.map(|(set, features)| set.with_features(features.view())),
        ..job
    };
    let fit = in_memory(job, class_weights, on_epoch)?;
    Ok(Fit {
        head: standard.fold_head(&fit.head),
        ..fit
    })
}

fn in_memory(
    job: Job<'_>,
    class_weights: Vec<f64>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let (params, views) = (job.params, job.train.views());
    let mut passes = WholePasses {
        order: RowOrder::of(params.values().seed, job.images, views),
        train: job.train,
        validation: job.validation,
        progress: job.progress,
    };
    let sgd = Sgd::new(params, &job.start).with_class_weights(class_weights)?;
    let sgd = sgd.with_sample_weights(job.sample_weights);
    run(sgd, params, job.epochs, &mut passes, on_epoch)
}

/// Epochs over features that are all in memory.
struct WholePasses<'a> {
    train: LabelledFeatures<'a>,
    validation: Option<LabelledFeatures<'a>>,
    order: RowOrder,
    progress: &'a dyn Progress,
}

impl Passes for WholePasses<'_> {
    fn epoch(&mut self, sgd: &mut Sgd, batch_size: usize) -> Result<BatchLoss> {
        let rows = self.order.next_epoch();
        let batches: Vec<&[usize]> = rows.chunks(batch_size).collect();
        let (block, views) = (Block::of(&self.train), self.train.views());
        sgd.steps_on(&block, views, &batches, self.progress)
    }

    fn validate(&mut self, head: &LinearHead) -> Result<Option<ValidationFigures>> {
        let figures = |set| ValidationFigures::of(head, set);
        self.validation.as_ref().map(figures).transpose()
    }
}

/// Fits with a solver that runs until the gradient is near zero.
pub(super) fn to_minimum(job: &Job<'_>, class_weights: Vec<f64>) -> Result<Fit> {
    let (values, set) = (job.params.values(), &job.train);
    let problem = Problem::of(set, values, class_weights, job.image_weights());
    let stop = Stop {
        tolerance: values.tol,
        iterations: values.max_iter,
        progress: job.progress,
    };
    let (head, optimum) = match values.solver {
        #[cfg(feature = "linfa-logistic")]
        Solver::Linfa => minimise_by_linfa(set, &job.images, &problem, stop)?,
        #[cfg(not(feature = "linfa-logistic"))]
        Solver::Linfa => unreachable!("checked parameters name a solver that is built in"),
        Solver::Lbfgs | Solver::Sgd => minimise(set, &problem, &job.start, stop)?,
    };
    let validation = job.validation.as_ref();
    let validation = validation.map(|set| ValidationFigures::of(&head, set));
    Ok(Fit {
        validation: validation.transpose()?,
        optimum: Some(optimum),
        ..Fit::of(head)
    })
}

/// Takes a limited number of steps towards the minimum.
#[cfg(feature = "serve")]
pub(super) fn towards_minimum(
    job: &Job<'_>,
    class_weights: Vec<f64>,
    iterations: usize,
) -> Result<LinearHead> {
    let (values, set) = (job.params.values(), &job.train);
    let problem = [Problem::of(set, values, class_weights, job.image_weights())];
    let stop = Stop {
        tolerance: values.tol,
        iterations,
        progress: job.progress,
    };
    let reached = minimise_all(set, &problem, &job.start, stop, &|| {})?;
    Ok(problem[0].head(&reached[0].point))
}
