//! Fits a head on arrays, for the estimator of scikit-learn (`python/frostline/_sklearn.py`).

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::exception;
use crate::keywords::Keywords;
use crate::tasks::params;
use crate::work;
use frostline::ClassIndex;
use frostline::head::{LabelledFeatures, fit_weighted};
use frostline::linfa::ParamGuard;

/// The weight (C, D) and bias (C) of a head, its epochs or iterations, and warnings.
type Fitted<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray1<f32>>,
    usize,
    Vec<String>,
);

/// Fits a head on features (N, D), which are not copied, and targets (N), which are indices of `classes`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments are extracted")]
pub(crate) fn fit_arrays<'py>(
    features: PyReadonlyArray2<'py, f32>,
    targets: PyReadonlyArray1<'py, i64>,
    classes: Vec<String>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    keywords: &Bound<'py, PyDict>,
) -> PyResult<Fitted<'py>> {
    let py = keywords.py();
    let wanted = params(&Keywords(keywords), false)?;
    let targets: Vec<usize> = targets.as_array().iter().map(|&y| y as usize).collect();
    let weights = sample_weight.map(|weights| weights.as_array().to_vec());
    let names = ClassIndex::from_ordered(classes);
    let names = names.map_err(|error| exception(py, &error))?;
    let features = features.as_array();
    let fitted = work::run_scoped(py, |watch| {
        let set = LabelledFeatures::new(features, &targets, &names)?;
        fit_weighted(&wanted.check()?, &set, weights, watch)
    })?;
    let reached = fitted.optimum.and_then(|optimum| optimum.iterations);
    let warnings = fitted.warnings.iter();
    let warnings = warnings.map(|warning| of_samples(&warning.to_string()));
    Ok((
        fitted.head.weight().to_owned().into_pyarray(py),
        fitted.head.bias().to_owned().into_pyarray(py),
        reached.unwrap_or(fitted.history.len()),
        warnings.collect(),
    ))
}

/// Returns a message about images as one about samples; names in backticks are left.
fn of_samples(text: &str) -> String {
    let parts = text
        .split('`')
        .enumerate()
        .map(|(number, part)| match number % 2 {
            0 => part
                .replace("training image", "sample")
                .replace("image", "sample"),
            _ => part.to_owned(),
        });
    parts.collect::<Vec<_>>().join("`")
}
