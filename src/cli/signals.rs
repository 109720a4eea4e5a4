//! Ctrl-C and SIGTERM. The first signal asks a listening task to stop and keep its results; the second, or
//! the first if no task listens, ends the process immediately. Exceeding the file size limit (SIGXFSZ) is an
//! error, not a silent exit.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that arrived, or 0.
static CAME: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
/// Whether the next signal ends the process immediately.
static AT_ONCE: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Whether a SIGHUP has arrived.
#[cfg(feature = "serve")]
static HANGUP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Installs handlers, so that a signal ends the process with its exit status, and a write beyond the file
/// size limit fails.
pub(super) fn handle() -> io::Result<()> {
    let came = Arc::clone(CAME.get_or_init(Arc::default));
    let at_once = AT_ONCE.get_or_init(|| Arc::new(AtomicBool::new(true)));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: if a task listens, the first signal finds the flag unset and then sets it.
        flag::register_conditional_shutdown(signal, status(signal), Arc::clone(at_once))?;
        flag::register(signal, Arc::clone(at_once))?;
        flag::register_usize(signal, Arc::clone(&came), signal as usize)?;
    }
    // With any handler installed, the system reports an error for the write.
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    Ok(())
}

/// From now on, the first signal only asks the task to stop; the task checks whether one [`came`] and keeps
/// its results.
pub(super) fn listen() {
    if let Some(at_once) = AT_ONCE.get() {
        at_once.store(false, Ordering::Relaxed);
    }
}

/// Returns whether a signal has arrived.
pub(super) fn came() -> bool {
    number() != 0
}

/// From now on, a SIGHUP no longer ends the process; [`take_hangup`] tells whether one came.
#[cfg(all(feature = "serve", unix))]
pub(super) fn listen_for_hangups() -> io::Result<()> {
    let flag = HANGUP.get_or_init(Arc::default);
    flag::register(signal_hook::consts::SIGHUP, Arc::clone(flag)).map(drop)
}

/// Returns whether a SIGHUP has arrived since the last call.
#[cfg(feature = "serve")]
pub(super) fn take_hangup() -> bool {
    HANGUP
        .get()
        .is_some_and(|flag| flag.swap(false, Ordering::Relaxed))
}

/// Returns the exit status after a signal, as in shells: 130 for Ctrl-C, 143 for SIGTERM.
pub(super) fn exit_code() -> ExitCode {
    ExitCode::from(status(number() as i32) as u8)
}

fn number() -> usize {
    CAME.get().map_or(0, |came| came.load(Ordering::Relaxed))
}

fn status(signal: i32) -> i32 {
    128 + signal
}
