//! Which images are tried again: those that a store lists as skipped.

use std::collections::HashSet;
use std::path::Path;

use crate::error::{FeaturesError, Result};
use crate::features::FeatureStore;
use crate::images::Scan;
use crate::phrases::counted;

/// Keeps only the images of a scan that a store lists as skipped. Returns the names of those that no longer
/// exist.
///
/// # Errors
/// If the store has no index that can be read; [`FeaturesError::OtherImages`] if it lists other images.
pub(super) fn keep_skipped(scan: &mut Scan, store: &Path) -> Result<HashSet<String>> {
    FeatureStore::require_run(store)?;
    let opened = FeatureStore::open(store)?;
    let (index, entries) = (opened.index(), &mut scan.entries);
    let skipped: HashSet<&str> = index.skipped().map(|(path, _)| path).collect();
    let mut absent = skipped.clone();
    entries.names().for_each(|name| {
        absent.remove(name);
    });
    if absent.len() == skipped.len() && !index.is_empty() && !entries.is_empty() {
        let known: HashSet<&str> = (0..index.len()).filter_map(|at| index.path(at)).collect();
        if !entries.names().any(|name| known.contains(name)) {
            let store = store.to_owned();
            return Err(FeaturesError::OtherImages { store }.into());
        }
    }
    let gone = absent.iter().filter(|name| entries.have_lost(name));
    let gone: HashSet<String> = gone.map(|name| (*name).to_owned()).collect();
    entries.retain(|_, name| skipped.contains(name));
    let elsewhere = absent.len() - gone.len();
    let notes = [
        told(gone.len(), "gone and no longer listed"),
        told(
            elsewhere,
            "not among these images and not tried again; a run over all images reads archives and tables \
             again",
        ),
    ];
    scan.notes.extend(notes.into_iter().flatten());
    Ok(gone)
}

/// Returns a note about images that the last run skipped.
fn told(n: usize, what: &str) -> Option<String> {
    let is = if n == 1 { "is" } else { "are" };
    (n > 0).then(|| format!("{} {is} {what}", counted(n, "skipped image")))
}
