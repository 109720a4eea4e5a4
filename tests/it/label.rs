//! `frostline label`: a real process, asked over HTTP as its page does.

mod access;
mod awkward;
mod class_names;
mod finish;
#[cfg(unix)]
mod life;
