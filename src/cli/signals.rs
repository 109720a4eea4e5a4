//! Ctrl-C and SIGTERM: the first asks a task that listens to end with what it has; the second, or the first
//! where none listens, ends the process at once. A file that grows beyond a limit (SIGXFSZ) is an error, and
//! no end without a word.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that came, 0 for none.
static CAME: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
/// Whether the next signal ends the process.
static AT_ONCE: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Has a signal end the process with its exit status, and writes beyond the limit of a file's size fail.
pub(super) fn handle() -> io::Result<()> {
    let came = Arc::clone(CAME.get_or_init(Arc::default));
    let at_once = AT_ONCE.get_or_init(|| Arc::new(AtomicBool::new(true)));
    for signal in [SIGINT, SIGTERM] {
        // In this order: where a task listens, the first signal finds the flag unset and sets it.
        flag::register_conditional_shutdown(signal, status(signal), Arc::clone(at_once))?;
        flag::register(signal, Arc::clone(at_once))?;
        flag::register_usize(signal, Arc::clone(&came), signal as usize)?;
    }
    // With a handler, which need not do anything, the system reports the write's error.
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Has the first signal ask for an end from here on, for tasks that ask whether one [`came`] and keep what
/// they have.
pub(super) fn listen() {
    if let Some(at_once) = AT_ONCE.get() {
        at_once.store(false, Ordering::Relaxed);
    }
}

/// Whether one has come.
pub(super) fn came() -> bool {
    number() != 0
}

/// The exit status of a process that a signal has ended, as shells have it: 130 for Ctrl-C, 143 for SIGTERM.
pub(super) fn exit_code() -> ExitCode {
    ExitCode::from(status(number() as i32) as u8)
}

fn number() -> usize {
    CAME.get().map_or(0, |came| came.load(Ordering::Relaxed))
}

fn status(signal: i32) -> i32 {
    128 + signal
}
