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

use std::fmt;
use std::path::{Path, PathBuf};

/// Why others can change what lies at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shared {
    /// The folder, file or link at fault.
    pub(super) place: PathBuf,
    pub(super) reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It belongs to this user.
    Owner(u32),
    /// Its mode lets others write.
    Mode(u32),
    /// Links lead to links without an end.
    Links,
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.display();
        match self.reason {
            Reason::Owner(uid) => write!(f, "`{place}` belongs to another user (uid {uid})"),
            Reason::Mode(mode) => {
                write!(f, "other users can write to `{place}` (mode {mode:04o})")
            }
            Reason::Links => write!(f, "there are too many links on the way to `{place}`"),
        }
    }
}

/// Finds who else can change what lies at `path`, an absolute path in the folder `home`. What is not there,
/// or cannot be looked at, cannot be used either.
#[cfg(not(unix))]
pub(super) fn check(_home: &Path, _path: &Path) -> Result<(), Shared> {
    // The standard library cannot read access control lists.
    Ok(())
}

#[cfg(unix)]
pub(super) use unix::check;
