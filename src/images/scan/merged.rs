//! Merges the scans of several inputs, whose classes must agree.

use std::collections::BTreeSet;
use std::path::Path;

use super::arranged::Listing;
use super::names::shown;
use super::{FolderLayout, Scan};
use crate::error::{ImagesError, Result};

/// The images of the inputs that were scanned so far.
pub(super) struct Merged<'a> {
    all: Scan,
    empty_classes: BTreeSet<String>,
    /// The first input with images in class folders, and the first one with other images.
    with: Option<&'a Path>,
    without: Option<&'a Path>,
}

impl<'a> Merged<'a> {
    pub(super) fn new() -> Self {
        Self {
            all: Listing::default().scan(),
            empty_classes: BTreeSet::new(),
            with: None,
            without: None,
        }
    }

    /// Adds the scan of an input.
    pub(super) fn add(&mut self, input: &'a Path, scan: Scan) {
        let first = match scan.layout {
            FolderLayout::ClassFolders => &mut self.with,
            FolderLayout::Flat => &mut self.without,
        };
        if !scan.entries.is_empty() {
            first.get_or_insert(input);
        }
        if scan.layout == FolderLayout::ClassFolders {
            self.all.layout = FolderLayout::ClassFolders;
        }
        self.all.entries.extend(&scan.entries);
        self.all.notes.extend(scan.notes);
        self.empty_classes.extend(scan.empty_classes);
        for (extension, count) in scan.ignored {
            *self.all.ignored.entry(extension).or_default() += count;
        }
    }

    /// Returns the images of all inputs, each once.
    ///
    /// # Errors
    /// [`ImagesError::MixedFolders`] for a mix of inputs with and without classes, since it is unclear which
    /// was meant.
    pub(super) fn finish(self) -> Result<Scan> {
        if let (Some(with), Some(without)) = (self.with, self.without) {
            let (with, without) = (shown(with), shown(without));
            return Err(ImagesError::MixedFolders { with, without }.into());
        }
        let (mut all, mut empty_classes) = (self.all, self.empty_classes);
        if all.layout == FolderLayout::ClassFolders {
            all.entries.classes().flatten().for_each(|class| {
                empty_classes.remove(&**class);
            });
            all.entries.keep_first();
        }
        all.empty_classes = empty_classes.into_iter().collect();
        Ok(all)
    }
}
