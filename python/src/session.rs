//! A value that has threads, opened when it is needed, and again in each forked process.

use std::mem::forget;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use crate::work::{self, Interrupted};
use frostline::error::Result;

/// A session of `T`. The lock is only taken while Python's global lock is held, and a process is forked with
/// that lock, so no thread of the parent holds it in a forked process.
pub(crate) struct Session<T>(Mutex<Option<Opened<T>>>);

/// A value, and the process that opened it.
struct Opened<T> {
    by: u32,
    value: Option<Arc<T>>,
}

impl<T> Drop for Opened<T> {
    fn drop(&mut self) {
        // The threads of a session are not there in a forked process, which would wait for their end.
        if self.by != process::id() {
            forget(self.value.take());
        }
    }
}

impl<T: Send + Sync + 'static> Session<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Returns the value of this process, opened by `open` if there is none.
    pub(crate) fn get(
        &self,
        py: Python<'_>,
        open: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> PyResult<Arc<T>> {
        let own = process::id();
        if let Some(value) = self.of(own) {
            return Ok(value);
        }
        let value = work::run(py, None, Interrupted::IsLeft, |_| open().map(Arc::new))?;
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *opened = Some(Opened {
            by: own,
            value: Some(Arc::clone(&value)),
        });
        Ok(value)
    }

    fn of(&self, process: u32) -> Option<Arc<T>> {
        let opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.as_ref().filter(|opened| opened.by == process);
        opened?.value.clone()
    }
}
