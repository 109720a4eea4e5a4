//! `frostline serve`: replies, limits, access, and stopping.

mod access;
mod awkward;
mod classify;
#[cfg(unix)]
mod life;
mod limits;
mod page;
mod page_inputs;
mod v2;
mod v2_refused;
mod watch;
