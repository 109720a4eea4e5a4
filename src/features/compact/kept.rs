//! Which images of a store's parts are kept.

use std::ops::Range;
use std::path::Path;

use crate::error::{FeaturesError, NoSamples, Result};
use crate::features::content::Digest;
use crate::features::directory::Directory;
use crate::features::index;
use crate::features::position::Position;
use crate::features::store::{FeatureStore, incomplete};
use crate::features::writer::StoreWriter;

/// The images that are kept: of those with the same digest the first one, as readers take it.
pub(super) struct Kept {
    directory: Directory,
    /// Which images the index lists, by number. `None` if all are kept.
    listed: Option<Vec<bool>>,
}

/// The images of a part that are kept, as ranges, and the number of the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) kept: Vec<Range<usize>>,
    pub(super) duplicates: usize,
    pub(super) pruned: usize,
}

impl Kept {
    /// Keeps all images or, to prune the store, those that the index lists.
    ///
    /// # Errors
    /// Those of reading the index; [`FeaturesError::NoSamples`] if it lists none.
    pub(super) fn of(writer: &StoreWriter, prune: bool) -> Result<Self> {
        let directory = writer.directory();
        let listed = prune
            .then(|| listed(&writer.path, &directory))
            .transpose()?;
        Ok(Self { directory, listed })
    }

    /// Returns which images of a part are kept.
    pub(super) fn kinds(&self, part: usize, digests: &[Digest]) -> Kinds {
        let mut kinds = Kinds::default();
        for (image, digest) in digests.iter().enumerate() {
            if self.directory.position(digest) != Some(Position::new(part, image)) {
                kinds.duplicates += 1;
            } else if !self.is_listed(digest) {
                kinds.pruned += 1;
            } else {
                match kinds.kept.last_mut() {
                    Some(last) if last.end == image => last.end += 1,
                    _ => kinds.kept.push(image..image + 1),
                }
            }
        }
        kinds
    }

    fn is_listed(&self, digest: &Digest) -> bool {
        let Some(listed) = &self.listed else {
            return true;
        };
        let number = self.directory.number(digest);
        number.is_some_and(|number| listed.get(number as usize) == Some(&true))
    }
}

/// Returns which images the index of a store lists.
///
/// # Errors
/// [`FeaturesError::NoSamples`] if it lists none: then it is more likely that a run has failed than that all
/// features are to be dropped.
fn listed(store: &Path, directory: &Directory) -> Result<Vec<bool>> {
    FeatureStore::require_run(store)?;
    let mut listed = Vec::new();
    let mut missing = 0;
    for row in index::rows(store)? {
        let Ok(content) = row?.content else { continue };
        match directory.number(&content.digest) {
            Some(number) => {
                let number = number as usize;
                listed.resize(listed.len().max(number + 1), false);
                listed[number] = true;
            }
            None => missing += 1,
        }
    }
    if missing > 0 {
        return Err(incomplete(store, missing));
    }
    if listed.is_empty() {
        let (store, reason) = (store.to_owned(), NoSamples::NoneUsable);
        return Err(FeaturesError::NoSamples { store, reason }.into());
    }
    Ok(listed)
}

impl Kinds {
    /// Returns the number of kept images.
    pub(super) fn n_kept(&self) -> usize {
        self.kept.iter().map(Range::len).sum()
    }
}
