//! How a child process has ended.

use std::fmt;
use std::process::ExitStatus;

/// Exit statuses with which a worker ends by itself: no error, an error, wrong arguments, Ctrl-C and SIGTERM.
const OWN: [i32; 5] = [0, 1, 2, 130, 143];
/// SIGKILL, which other programs and a system without memory send.
const KILLED: i32 = 9;

/// How a child process has ended. Messages read as "the worker process {ended}".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With an exit status.
    Status(i32),
    /// With a signal.
    Signal(i32),
}

impl Ended {
    pub(super) fn of(status: ExitStatus) -> Self {
        match status.code() {
            Some(code) => Self::Status(code),
            None => Self::Signal(signal(status)),
        }
    }

    /// Returns the exit status if the process has ended by itself, after a message.
    pub(super) fn own_status(self) -> Option<i32> {
        match self {
            Self::Status(status) if OWN.contains(&status) => Some(status),
            Self::Status(_) | Self::Signal(_) => None,
        }
    }

    /// Returns whether something else than an image may have ended it.
    pub(super) fn may_be_chance(self) -> bool {
        self == Self::Signal(KILLED)
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.signal().unwrap_or_default()
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> i32 {
    0
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "ended with exit status {status}"),
            Self::Signal(signal) => write!(f, "ended with signal {signal}"),
        }
    }
}
