//! A fitted head.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyArray2, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::exception;
use crate::results::{json, object};
use frostline::HeadFile;
use frostline::error::{Error, FileKind, Result};

/// The content of a head file.
#[pyclass(frozen, module = "frostline._frostline")]
pub(crate) struct Head(pub(crate) Arc<HeadFile>);

#[pymethods]
impl Head {
    /// Reads a head file, or the head in a bundle.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let read = py.detach(|| HeadFile::read(path));
        of(py, read)
    }

    /// Decodes the bytes of a head file.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let decoded = HeadFile::decode(bytes).map_err(|problem| Error::File {
            path: "bytes".into(),
            kind: FileKind::Head,
            problem,
        });
        of(py, decoded)
    }

    /// The bytes of the head file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.0.encode().map_err(|error| exception(py, &error))?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let written = py.detach(|| self.0.write(path));
        written.map_err(|error| exception(py, &error))
    }

    /// (C, D).
    fn weight<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        self.0.head.weight().to_pyarray(py)
    }

    /// (C).
    fn bias<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.0.head.bias().to_pyarray(py)
    }

    fn classes(&self) -> Vec<String> {
        self.0.classes.clone().into()
    }

    fn temperature(&self) -> f64 {
        self.0.temperature.value()
    }

    fn metrics(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        object(py, &json(&self.0.metrics))
    }

    fn params(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        object(py, &json(&self.0.params))
    }

    fn manifest(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        object(py, &json(&self.0.manifest))
    }
}

fn of(py: Python<'_>, file: Result<HeadFile>) -> PyResult<Head> {
    let file = file.map_err(|error| exception(py, &error))?;
    Ok(Head(Arc::new(file)))
}
