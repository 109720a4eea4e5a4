//! Runs a task without Python's global lock: on its own thread, while the calling thread handles signals
//! and shows progress.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder};
use std::time::Duration;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::errors::exception;
use frostline::error::{Error, Result, ThreadsFor};
use frostline::progress::Progress;

/// How often signals are handled and progress is shown.
const TICK: Duration = Duration::from_millis(50);

/// What happens to a task that is interrupted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// It is asked to stop, and its end is awaited, so that everything computed is kept. A second signal
    /// leaves it.
    Stops,
    /// It is left to itself: it may not stop early, but writes no file once it was asked to stop.
    IsLeft,
}

/// The result of a task, or what it panicked with.
type Ended<T> = thread::Result<Result<T>>;

/// What a task reports, and whether it should stop.
#[derive(Default)]
pub(crate) struct Watch {
    stopped: AtomicBool,
    events: Mutex<Vec<Event>>,
}

enum Event {
    Begin(String, u64),
    Advance(u64),
    End,
}

impl Watch {
    fn push(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        match (events.last_mut(), event) {
            (Some(Event::Advance(steps)), Event::Advance(more)) => *steps += more,
            (_, event) => events.push(event),
        }
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Progress for Watch {
    fn begin(&self, what: &str, total: u64) {
        self.push(Event::Begin(what.to_owned(), total));
    }

    fn advance(&self, steps: u64) {
        self.push(Event::Advance(steps));
    }

    fn end(&self) {
        self.push(Event::End);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Runs a task and returns its result. `bar` has the methods `begin`, `advance` and `end`.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    bar: Option<&Bound<'_, PyAny>>,
    interrupted: Interrupted,
    task: impl FnOnce(&Watch) -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let watch = Arc::new(Watch::default());
    let own = Arc::clone(&watch);
    let (work, receiver) = sent(move || task(&own));
    let started = named().spawn(work);
    started.map_err(|source| no_thread(py, ThreadsFor::Images, source))?;
    wait(py, receiver, &watch, bar, interrupted)
}

/// Runs a task that borrows values, and returns its result once its thread has ended.
pub(crate) fn run_scoped<T: Send>(
    py: Python<'_>,
    task: impl FnOnce(&Watch) -> Result<T> + Send,
) -> PyResult<T> {
    let watch = Watch::default();
    thread::scope(|scope| {
        let (work, receiver) = sent(|| task(&watch));
        let started = named().spawn_scoped(scope, work);
        started.map_err(|source| no_thread(py, ThreadsFor::Features, source))?;
        wait(py, receiver, &watch, None, Interrupted::Stops)
    })
}

fn named() -> Builder {
    Builder::new().name("frostline".to_owned())
}

fn no_thread(py: Python<'_>, purpose: ThreadsFor, source: io::Error) -> PyErr {
    exception(py, &Error::NoThread { purpose, source })
}

/// Returns a task that sends its result, also if it panics, and where the result arrives.
fn sent<T>(task: impl FnOnce() -> Result<T>) -> (impl FnOnce(), Receiver<Ended<T>>) {
    let (sender, receiver) = sync_channel(1);
    let work = move || {
        let result = catch_unwind(AssertUnwindSafe(task));
        // Nobody waits for a task that was left.
        let _ = sender.send(result);
    };
    (work, receiver)
}

/// Waits for the result of a task, handles signals and shows progress.
fn wait<T: Send>(
    py: Python<'_>,
    mut receiver: Receiver<Ended<T>>,
    watch: &Watch,
    bar: Option<&Bound<'_, PyAny>>,
    interrupted: Interrupted,
) -> PyResult<T> {
    let mut end = None;
    loop {
        let came;
        (receiver, came) = py.detach(move || {
            let came = receiver.recv_timeout(TICK);
            (receiver, came)
        });
        let shown = show(watch, bar);
        match came {
            Ok(Ok(result)) => return finish(py, result, end.or(shown.err())),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Disconnected) => unreachable!("a task sends its result"),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let Err(error) = shown.and_then(|()| py.check_signals()) else {
            continue;
        };
        watch.stopped.store(true, Ordering::Relaxed);
        if interrupted == Interrupted::IsLeft || end.is_some() {
            return Err(error);
        }
        end = Some(error);
    }
}

/// Runs a task on several images as [`run`] does, and on a single one on the calling thread: a thread of its
/// own would take 0.1 ms or more, and a signal can wait for one image.
pub(crate) fn run_on<T: Send + 'static>(
    py: Python<'_>,
    images: usize,
    task: impl FnOnce(&Watch) -> Result<T> + Send + 'static,
) -> PyResult<T> {
    if images > 1 {
        return run(py, None, Interrupted::Stops, task);
    }
    let done = py.detach(|| task(&Watch::default()));
    done.map_err(|error| exception(py, &error))
}

/// Returns the result of a task, or why it was stopped.
fn finish<T>(py: Python<'_>, result: Result<T>, end: Option<PyErr>) -> PyResult<T> {
    match (end, result) {
        (Some(end), Err(error @ Error::Interrupted { .. }))
            if end.is_instance_of::<PyKeyboardInterrupt>(py) =>
        {
            Err(exception(py, &error))
        }
        (Some(end), _) => Err(end),
        (None, result) => result.map_err(|error| exception(py, &error)),
    }
}

fn show(watch: &Watch, bar: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let events = watch.take();
    let Some(bar) = bar else { return Ok(()) };
    for event in events {
        match event {
            Event::Begin(what, total) => bar.call_method1("begin", (what, total))?,
            Event::Advance(steps) => bar.call_method1("advance", (steps,))?,
            Event::End => bar.call_method0("end")?,
        };
    }
    Ok(())
}
