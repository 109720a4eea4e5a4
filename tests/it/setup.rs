//! `frostline setup`: with a script in the place of Python and pip, with files that are given, and once with
//! the real pip.

#![cfg(unix)]

mod fake;
mod given;
mod pinned;
mod real;
mod stopped;
