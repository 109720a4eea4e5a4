//! Merges the scans of several inputs, whose classes must agree.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use super::arranged::Listing;
use super::names::shown;
use super::{FolderLayout, Sample, Scan};
use crate::error::{ImagesError, Result};

/// Rejects a mix of inputs with and without classes, since it is unclear which was meant.
pub(super) fn refuse_mixed(inputs: &[PathBuf], scans: &[Scan]) -> Result<()> {
    let of = |layout: FolderLayout| {
        let mut all = inputs.iter().zip(scans);
        all.find(|(_, scan)| scan.layout == layout && !scan.entries.is_empty())
    };
    let (Some((with, _)), Some((without, _))) =
        (of(FolderLayout::ClassFolders), of(FolderLayout::Flat))
    else {
        return Ok(());
    };
    let (with, without) = (shown(with), shown(without));
    Err(ImagesError::MixedFolders { with, without }.into())
}

pub(super) fn merged(scans: Vec<Scan>) -> Scan {
    let mut all = Listing::default().scan();
    let mut empty_classes = BTreeSet::new();
    for scan in scans {
        if scan.layout == FolderLayout::ClassFolders {
            all.layout = FolderLayout::ClassFolders;
        }
        all.entries.extend(scan.entries);
        all.notes.extend(scan.notes);
        empty_classes.extend(scan.empty_classes);
        for (extension, count) in scan.ignored {
            *all.ignored.entry(extension).or_default() += count;
        }
    }
    if all.layout == FolderLayout::ClassFolders {
        let classes = all
            .entries
            .iter()
            .filter_map(|found| found.sample().class.as_deref());
        classes.for_each(|class| {
            empty_classes.remove(class);
        });
        // A place is compared by what it is, not by the state of its reader.
        #[allow(clippy::mutable_key_type)]
        let mut seen = HashSet::new();
        all.entries.retain(|found| {
            let Sample { place, name, .. } = found.sample();
            // Several members of an archive may be links to one.
            let name = place.address().is_none().then(|| name.clone());
            seen.insert((place.clone(), name))
        });
    }
    all.empty_classes = empty_classes.into_iter().collect();
    all
}
