//! The solver `linfa`, and conversions from `linfa-logistic` models to heads.

use ::linfa_logistic::error::Error as GaveUp;
use ::linfa_logistic::{
    FittedLogisticRegression, LogisticRegression, MultiFittedLogisticRegression,
    MultiLogisticRegression,
};
use linfa::Dataset;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Ix1};

use crate::error::{Error, HeadError, Result};
use crate::head::data::LabelledFeatures;
use crate::head::lbfgs::{Evaluator, Optimum, Precision, Problem, Reached, Stop, checked};
use crate::head::linear::LinearHead;

/// Implements the conversions from a multinomial and a binary model of each float type.
macro_rules! models_as_heads {
    ($($float:ty),*) => {$(
        impl<C: PartialOrd + Clone> TryFrom<&MultiFittedLogisticRegression<$float, C>> for LinearHead {
            type Error = Error;

            /// Converts a multinomial model; row c of the head is for `model.classes()[c]`.
            ///
            /// # Errors
            /// [`HeadError::ModelNotFinite`] when a weight is not a finite f32.
            fn try_from(model: &MultiFittedLogisticRegression<$float, C>) -> Result<Self> {
                let weight = model.params().t().mapv(Into::into);
                narrowed(weight.view(), model.intercept().mapv(Into::into).view())
            }
        }

        impl<C: PartialOrd + Clone> TryFrom<&FittedLogisticRegression<$float, C>> for LinearHead {
            type Error = Error;

            /// Converts a binary model, with its two classes in ascending order, whichever of them the model
            /// calls positive. The rows are `∓w / 2`; their difference is the model's `w`. The most likely
            /// class is the model's prediction at its default threshold of 0.5; another threshold cannot be
            /// read from the model.
            ///
            /// # Errors
            /// [`HeadError::ModelNotFinite`] when a weight is not a finite f32.
            fn try_from(model: &FittedLogisticRegression<$float, C>) -> Result<Self> {
                let labels = model.labels();
                let half = if labels.pos.class < labels.neg.class { -0.5 } else { 0.5 };
                let weight: Array1<f64> = model.params().mapv(|w| f64::from(w) * half);
                let bias = f64::from(model.intercept()) * half;
                let weight = ndarray::stack![Axis(0), -&weight, weight];
                narrowed(weight.view(), ndarray::aview1(&[-bias, bias]))
            }
        }
    )*};
}

models_as_heads!(f32, f64);

fn narrowed(weight: ArrayView2<'_, f64>, bias: ArrayView1<'_, f64>) -> Result<LinearHead> {
    let head = LinearHead::new(weight.mapv(|w| w as f32), bias.mapv(|b| b as f32))?;
    if head.is_finite() {
        return Ok(head);
    }
    Err(HeadError::ModelNotFinite.into())
}

/// Fits the head with the lowest loss by `linfa-logistic`, which starts from zero.
///
/// The multinomial loss of that crate subtracts the maximum of the whole matrix in its log-sum-exp, not that
/// of each row, and returns `Ok` for a wrong minimum when the logits of different rows are far apart. So the
/// gradient of frostline's own loss decides whether the fit has converged.
///
/// # Errors
/// [`HeadError::LinfaViews`], [`HeadError::LinfaClass`] and [`HeadError::LinfaLogistic`];
/// [`HeadError::NotConverged`] when the gradient is not near zero.
pub(crate) fn minimise_by_linfa(
    set: &LabelledFeatures<'_>,
    images: &[usize],
    problem: &Problem,
    stop: Stop<'_>,
) -> Result<(LinearHead, Optimum)> {
    require_plain(set, images)?;
    let targets: Array1<usize> = images.iter().map(|&image| set.targets()[image]).collect();
    let data = Dataset::new(records(set, images, problem), targets);
    // The crate's loss is a sum over the images, frostline's is their mean.
    let tolerance = stop.tolerance * images.len() as f64;
    let summed = Stop { tolerance, ..stop };
    let point = match problem.n_rows() {
        1 => of_two_classes(&data, problem.l2, summed),
        _ => of_several_classes(&data, problem.l2, summed),
    };
    let point = point.map_err(|error| HeadError::LinfaLogistic(error.to_string()))?;
    let reached = Reached {
        loss: Evaluator::new(set, stop.progress).evaluate(&[(problem, &point)], Precision::Double)
            [0]
        .value,
        point,
        iterations: None,
        converged: true,
    };
    checked(set, problem, &reached, stop)
}

type Images = Dataset<f64, usize, Ix1>;

/// Fits two classes; returns the weights of the second class, then its bias.
fn of_two_classes(data: &Images, l2: f64, stop: Stop<'_>) -> Result<Vec<f64>, GaveUp> {
    let model = LogisticRegression::new()
        .alpha(l2)
        .gradient_tolerance(stop.tolerance)
        .max_iterations(stop.iterations as u64)
        .fit(data)?;
    let sign = if model.labels().pos.class == 1 {
        1.0
    } else {
        -1.0
    };
    let numbers = model.params().iter().copied().chain([model.intercept()]);
    Ok(numbers.map(|w| sign * w).collect())
}

/// Fits more than two classes; returns the weights of each class, then their biases.
fn of_several_classes(data: &Images, l2: f64, stop: Stop<'_>) -> Result<Vec<f64>, GaveUp> {
    let model = MultiLogisticRegression::new()
        .alpha(l2)
        .gradient_tolerance(stop.tolerance)
        .max_iterations(stop.iterations as u64)
        .fit(data)?;
    let rows = model.params().t();
    Ok(rows.iter().chain(model.intercept()).copied().collect())
}

/// Returns the features of some images in f64, (N, D), standardised if the problem is.
fn records(set: &LabelledFeatures<'_>, images: &[usize], problem: &Problem) -> Array2<f64> {
    let mut records = set.features().select(Axis(0), images).mapv(f64::from);
    if let Some(standard) = &problem.standard {
        for mut row in records.rows_mut() {
            let mut numbers = row.to_vec();
            standard.apply_wide(&mut numbers);
            row.assign(&ArrayView1::from(&numbers));
        }
    }
    records
}

fn require_plain(set: &LabelledFeatures<'_>, images: &[usize]) -> Result<(), HeadError> {
    let views = set.views();
    if views > 1 {
        return Err(HeadError::LinfaViews { views });
    }
    let Some(class) = set.class_counts_of(images).iter().position(|&n| n == 0) else {
        return Ok(());
    };
    let class = set.classes().name(class).unwrap_or_default().to_owned();
    Err(HeadError::LinfaClass { class })
}
