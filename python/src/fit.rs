//! Fits a head on arrays, for the estimator of scikit-learn (`python/frostline/_sklearn.py`).

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::{self, Builder};
use std::time::Duration;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::exception;
use crate::keywords::Keywords;
use crate::tasks::params;
use frostline::ClassIndex;
use frostline::error::{Error, Result, ThreadsFor};
use frostline::head::{ClassWeight, Fit, LabelledFeatures, fit_weighted};
use frostline::linfa::ParamGuard;
use frostline::progress::Progress;

/// How often signals are handled.
const TICK: Duration = Duration::from_millis(50);

/// Whether the fit should stop.
#[derive(Default)]
struct Stopped(AtomicBool);

impl Progress for Stopped {
    fn begin(&self, _what: &str, _total: u64) {}
    fn advance(&self, _steps: u64) {}
    fn end(&self) {}
    fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The weight (C, D) and bias (C) of a head, its epochs or iterations, and warnings.
type Fitted<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray1<f32>>,
    usize,
    Vec<String>,
);

/// Fits a head on features (N, D), which are not copied, and targets (N) below `classes`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments are extracted")]
pub(crate) fn fit_arrays<'py>(
    features: PyReadonlyArray2<'py, f32>,
    targets: PyReadonlyArray1<'py, i64>,
    classes: usize,
    class_weight: Option<Vec<f64>>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    keywords: &Bound<'py, PyDict>,
) -> PyResult<Fitted<'py>> {
    let py = keywords.py();
    let mut wanted = params(&Keywords(keywords), false)?;
    if let Some(weights) = class_weight {
        let named = weights.into_iter().enumerate();
        let table = named.map(|(class, weight)| (class.to_string(), weight));
        wanted = wanted.class_weight(ClassWeight::Given(table.collect()));
    }
    let targets: Vec<usize> = targets.as_array().iter().map(|&y| y as usize).collect();
    let weights = sample_weight.map(|weights| weights.as_array().to_vec());
    let names = ClassIndex::from_ordered((0..classes).map(|class| class.to_string()));
    let names = names.map_err(|error| exception(py, &error))?;
    let features = features.as_array();
    let fitted = stoppable(py, |stopped| {
        let set = LabelledFeatures::new(features, &targets, &names)?;
        fit_weighted(&wanted.check()?, &set, weights, stopped)
    })?;
    let reached = fitted.optimum.and_then(|optimum| optimum.iterations);
    let warnings = fitted.warnings.iter().map(ToString::to_string).collect();
    Ok((
        fitted.head.weight().to_owned().into_pyarray(py),
        fitted.head.bias().to_owned().into_pyarray(py),
        reached.unwrap_or(fitted.history.len()),
        warnings,
    ))
}

/// Runs a fit on its own thread, without Python's global lock. A signal stops it, and is raised once the
/// thread has ended, which borrows the arrays.
fn stoppable(py: Python<'_>, fit: impl FnOnce(&Stopped) -> Result<Fit> + Send) -> PyResult<Fit> {
    let stopped = Stopped::default();
    let ended: PyResult<Result<Fit>> = py.detach(|| {
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<()>(1);
            let own = &stopped;
            let work = move || {
                // Dropped at the end, also by a panic.
                let _sender = sender;
                fit(own)
            };
            let named = Builder::new().name("frostline".to_owned());
            let fitting = match named.spawn_scoped(scope, work) {
                Ok(fitting) => fitting,
                Err(source) => {
                    let purpose = ThreadsFor::Features;
                    return Ok(Err(Error::NoThread { purpose, source }));
                }
            };
            let signals = |py: Python<'_>| py.check_signals();
            while receiver.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if let Err(signal) = Python::attach(signals) {
                    stopped.0.store(true, Ordering::Relaxed);
                    let _ = fitting.join();
                    return Err(signal);
                }
            }
            Ok(fitting.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    });
    ended?.map_err(|error| exception(py, &error))
}
