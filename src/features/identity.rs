//! What a store's parts say of the store: each of them carries its manifest.

use std::path::{Path, PathBuf};

use super::folder::LOCK;
use super::index;
use super::manifest::StoreManifest;
use super::part;
use super::store::part_paths;
use crate::error::{Error, FileProblem, Result};

/// The manifests that the intact parts of a store carry.
#[derive(Debug)]
pub(super) enum Testimony {
    /// No part is intact.
    Nothing,
    /// Their features may be mixed; the manifest is that of the first of them.
    One(Box<StoreManifest>),
    /// Two parts whose features may not be mixed.
    Contradiction {
        parts: [PathBuf; 2],
        differences: Vec<String>,
    },
}

impl Testimony {
    /// Reads and checks all parts.
    ///
    /// # Errors
    /// [`Error::Io`]. A damaged part says nothing.
    pub(super) fn of(store: &Path) -> Result<Self> {
        let mut first: Option<(PathBuf, StoreManifest)> = None;
        for path in part_paths(store)? {
            let own = match part::own_manifest(&path) {
                Ok(own) => own,
                Err(Error::File { .. }) => continue,
                Err(error) => return Err(error),
            };
            match &first {
                None => first = Some((path, own)),
                Some((other, agreed)) => {
                    let differences = agreed.differences(&own);
                    if !differences.is_empty() {
                        let parts = [other.clone(), path];
                        return Ok(Self::Contradiction { parts, differences });
                    }
                }
            }
        }
        Ok(first.map_or(Self::Nothing, |(_, agreed)| Self::One(Box::new(agreed))))
    }
}

/// Whether a folder without a legible manifest has parts of a store, damaged or not.
pub(super) fn is_given(folder: &Path) -> bool {
    // Folders of anything else may hold millions of files: only what a writer leaves is worth a look at them all.
    let is_there = |name: &str| folder.join(name).symlink_metadata().is_ok();
    if !is_there(index::FILE) && !is_there(LOCK) {
        return false;
    }
    let is_ours = |path: &PathBuf| {
        let newer = |error: Error| {
            matches!(
                error,
                Error::File {
                    problem: FileProblem::Newer { .. },
                    ..
                }
            )
        };
        part::own_manifest(path).map_or_else(newer, |_| true)
    };
    part_paths(folder).is_ok_and(|parts| parts.iter().any(is_ours))
}
