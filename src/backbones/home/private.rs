//! Who else can change what lies at a path: the rules by which `sshd` trusts a user's own files (its
//! `StrictModes`).
//!
//! Each folder on the way must belong to root or this user, and nobody else may write to it; a sticky folder,
//! such as `/tmp`, will do, since only owners rename its files. For the home and all that lies in it sticky
//! is not enough: anybody could add a library there. Below a folder that only its owner can enter, modes no
//! longer count. Writing by the group counts unless it is the owner's own group, which has the owner's number
//! on most Linux systems.

#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use std::path::Path;

#[cfg(not(unix))]
use crate::error::SharedPlace;

/// Finds who else can change what lies at `path`, an absolute path in the folder `home`. What is not there,
/// or cannot be looked at, cannot be used either.
#[cfg(not(unix))]
pub(super) fn check(_home: &Path, _path: &Path) -> Result<(), SharedPlace> {
    // The standard library cannot read access control lists.
    Ok(())
}

#[cfg(unix)]
pub(super) use unix::check;
