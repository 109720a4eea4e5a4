//! A worker, which computes the features of the images in Arrow tables.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use crate::errors::input;
use crate::keywords::Keywords;
use crate::session::Session;
use crate::tasks::dtype;
use crate::work;
use frostline::features;
use frostline::tasks::WorkerOptions;

/// The name of a stream's capsule in Arrow's C data interface.
const STREAM: &std::ffi::CStr = c"arrow_array_stream";

/// A worker, whose network is opened when it is first used in a process.
#[pyclass(frozen, module = "frostline._frostline")]
pub(crate) struct Worker {
    options: WorkerOptions,
    session: Session<Mutex<features::Worker>>,
}

#[pymethods]
impl Worker {
    #[new]
    fn new(keywords: &Bound<'_, PyDict>) -> PyResult<Self> {
        let keywords = Keywords(keywords);
        let run = keywords.run()?;
        let mut options = WorkerOptions::new(run.home.clone());
        options.run = run;
        options.backbone = keywords.required("backbone")?;
        options.overrides = keywords.overrides()?;
        options.decoding = keywords.decoding()?;
        options.batch_size = keywords.batch_size()?;
        options.dtype = dtype(&keywords)?;
        options.columns.image = keywords.optional("column")?;
        options.columns.keep_image = keywords.flag("keep_image")?;
        Ok(Self {
            options,
            session: Session::new(),
        })
    }

    /// Opens the network, unless it is open, and returns the number of features.
    fn open(&self, py: Python<'_>) -> PyResult<usize> {
        let worker = self.opened(py)?;
        let worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(worker.network().spec.backbone.num_features)
    }

    /// Returns the answers to the batches of a stream of Arrow's C data interface, as another one.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        stream: &Bound<'py, PyCapsule>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let reader = taken(stream)?;
        let schema = reader.schema();
        let batches: Result<Vec<RecordBatch>, _> = reader.collect();
        let batches = batches.map_err(|error| input(py, error.to_string()))?;
        let worker = self.opened(py)?;
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let work = move |watch: &work::Watch| {
            // A poisoned lock is fine: a call that panicked leaves no state that the next one depends on.
            let mut worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
            let empty = worker.answer(&RecordBatch::new_empty(schema), watch)?;
            let answers = batches.iter().map(|batch| worker.answer(batch, watch));
            let answers = answers.collect::<Result<Vec<_>, _>>()?;
            Ok((empty.schema(), answers))
        };
        let (schema, answers) = work::run_on(py, rows, work)?;
        let answers = RecordBatchIterator::new(answers.into_iter().map(Ok), schema);
        let answers = FFI_ArrowArrayStream::new(Box::new(answers));
        PyCapsule::new_with_value(py, answers, STREAM)
    }
}

impl Worker {
    fn opened(&self, py: Python<'_>) -> PyResult<Arc<Mutex<features::Worker>>> {
        let options = self.options.clone();
        self.session.get(py, move || options.open().map(Mutex::new))
    }
}

/// Takes the stream out of its capsule, which is empty after that.
#[expect(
    unsafe_code,
    reason = "the C data interface passes streams by pointers"
)]
fn taken(capsule: &Bound<'_, PyCapsule>) -> PyResult<RecordBatchStreamReader> {
    let pointer = capsule.pointer_checked(Some(STREAM))?;
    // SAFETY: a capsule of this name has a pointer to a stream, which is read with Python's lock alone. It is
    // moved out, and a released stream is left behind.
    let reader = unsafe { RecordBatchStreamReader::from_raw(pointer.cast().as_ptr()) };
    reader.map_err(|error| input(capsule.py(), error.to_string()))
}
