//! Ctrl-C and SIGTERM: the first asks the task to end with what it has, the second ends the process at once.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that came, 0 for none; unset where nobody listens.
static CAME: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Listens from here on. Commands that keep nothing for the next run do not: a signal ends them as it ends any program.
pub(super) fn listen() -> io::Result<()> {
    let came = Arc::clone(CAME.get_or_init(Arc::default));
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset and sets it.
        flag::register_conditional_shutdown(signal, status(signal), Arc::clone(&again))?;
        flag::register(signal, Arc::clone(&again))?;
        flag::register_usize(signal, Arc::clone(&came), signal as usize)?;
    }
    Ok(())
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
