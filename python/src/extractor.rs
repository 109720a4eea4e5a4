//! A backbone, for the features of images in memory.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::Array2;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::images::{Rows, images};
use crate::keywords::Keywords;
use crate::session::Session;
use crate::work;
use frostline::error::Error;
use frostline::features::Computing;
use frostline::progress::Progress;
use frostline::tasks::provide;

/// An extractor, whose network is opened when it is first used in a process.
#[pyclass(frozen, module = "frostline._frostline")]
pub(crate) struct Extractor {
    backbone: PathBuf,
    how: Computing,
    session: Session<frostline::Extractor>,
}

#[pymethods]
impl Extractor {
    #[new]
    fn new(backbone: PathBuf, keywords: &Bound<'_, PyDict>) -> PyResult<Self> {
        Ok(Self {
            backbone,
            how: Keywords(keywords).computing()?,
            session: Session::new(),
        })
    }

    /// Opens the network, unless it is open, and returns the number of features.
    fn open(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.opened(py)?.num_features())
    }

    /// Returns the features of a list of images, (N, D), and why others have none; their rows are NaN.
    fn features<'py>(
        &self,
        py: Python<'py>,
        list: &Bound<'py, PyList>,
    ) -> PyResult<Rows<'py, f32>> {
        let images = images(list)?;
        let count = images.len();
        let extractor = self.opened(py)?;
        let work = move |watch: &work::Watch| {
            let mut all = Array2::from_elem((count, extractor.num_features()), f32::NAN);
            let mut without = Vec::new();
            let mut rows = all.rows_mut().into_iter().enumerate();
            extractor.each(images, &mut |result| {
                if watch.is_stopped() {
                    return Err(Error::Interrupted { kept: None });
                }
                let (number, mut row) = rows.next().expect("one result for each image");
                match result {
                    Ok(features) => row
                        .iter_mut()
                        .zip(features)
                        .for_each(|(place, x)| *place = x),
                    Err(reason) => without.push((number, reason.to_string())),
                }
                Ok(())
            })?;
            Ok((all, without))
        };
        let (all, without) = work::run_on(py, count, work)?;
        Ok((all.into_pyarray(py), without))
    }
}

impl Extractor {
    fn opened(&self, py: Python<'_>) -> PyResult<Arc<frostline::Extractor>> {
        let (backbone, how) = (self.backbone.clone(), self.how.clone());
        self.session.get(py, move || {
            provide(&backbone, &how.run.home)?;
            frostline::Extractor::by_name(&backbone, &how)
        })
    }
}
