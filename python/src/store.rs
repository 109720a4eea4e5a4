//! A feature store: its samples as lists, its features as `NumPy` and Arrow arrays.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatchIterator;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::exception;
use crate::results::{json, object, plain};
use crate::work::{self, Interrupted};
use frostline::features::{Span, record_batch};
use frostline::images::path_text::from_text;
use frostline::results::ShownStore;
use frostline::{ClassIndex, FeatureStore};

/// A file, a position in it, and the shape of the array there.
type Place = (PathBuf, u64, (usize, usize));

/// An opened store.
#[pyclass(frozen, module = "frostline._frostline")]
pub(crate) struct Store(Arc<FeatureStore>);

#[pymethods]
impl Store {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let open = move |_: &work::Watch| {
            FeatureStore::require_run(&path)?;
            FeatureStore::open(&path)
        };
        let store = work::run(py, None, Interrupted::IsLeft, open)?;
        Ok(Self(Arc::new(store)))
    }

    fn __len__(&self) -> usize {
        self.0.index().n_used()
    }

    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// D.
    #[getter]
    fn num_features(&self) -> usize {
        self.0.manifest().spec.backbone.num_features
    }

    /// The paths of the used samples, as Python names files.
    fn paths(&self) -> Vec<OsString> {
        let index = self.0.index();
        let paths = index.used_numbers().filter_map(|number| index.path(number));
        paths.map(|path| from_text(path).into_os_string()).collect()
    }

    /// The classes in index order.
    fn classes(&self) -> Vec<String> {
        self.class_index().into()
    }

    /// The class of each used sample, or -1.
    fn targets<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let classes = self.class_index();
        let target = |class| classes.class_to_idx(class).map(|index| index as i64);
        let index = self.0.index();
        let used = index.used_numbers();
        let targets = used.map(|number| index.class(number).and_then(target).unwrap_or(-1));
        targets.collect::<Vec<_>>().into_pyarray(py)
    }

    /// What `frostline features show --format json` says.
    fn info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let engines = self.0.engines().map_err(|error| exception(py, &error))?;
        let shown = ShownStore::new(&self.0, &engines, plain);
        let shown = shown.map_err(|error| exception(py, &error))?;
        object(py, &json(&shown))
    }

    /// The file, position and shape of the features, if they are one array in a file.
    fn span(&self, py: Python<'_>) -> PyResult<Option<Place>> {
        let store = Arc::clone(&self.0);
        let span = work::run(py, None, Interrupted::IsLeft, move |_| store.span())?;
        Ok(span.map(
            |Span {
                 path,
                 offset,
                 shape,
             }| (path, offset, shape),
        ))
    }

    /// The features of the used samples, (N, D), in one new array.
    fn features<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let store = Arc::clone(&self.0);
        let read = move |_: &work::Watch| {
            let digests: Vec<_> = store.index().digests().collect();
            store.features(&digests)
        };
        let features = work::run(py, None, Interrupted::IsLeft, read)?;
        Ok(features.into_pyarray(py))
    }

    /// The used samples as a stream of Arrow's C data interface.
    fn stream<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let store = Arc::clone(&self.0);
        let batch = work::run(py, None, Interrupted::IsLeft, move |_| record_batch(&store))?;
        let schema = batch.schema();
        let batches = RecordBatchIterator::new([Ok(batch)], schema);
        let stream = FFI_ArrowArrayStream::new(Box::new(batches));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

impl Store {
    fn class_index(&self) -> ClassIndex {
        let classes = self.0.index().class_counts().into_keys();
        ClassIndex::from_names(classes.flatten().map(str::to_owned))
    }
}
