//! Where the images on the page are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::features::{Digest, roots};
use crate::images::path_text::{below, from_text, to_text};
use crate::images::{DecodeBudget, Found, Labels, Limits, Names, Place, Scan, read, scan_inputs};
use crate::progress::Progress;

/// Where an image is, and the digest that it had when its features were computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tasks) struct Original {
    pub(in crate::tasks) place: Place,
    /// Its number in a list; images of an archive or table are read fastest in the order of their list.
    pub(in crate::tasks) number: usize,
    pub(in crate::tasks) digest: Digest,
}

/// Where images are, by their names.
#[derive(Debug, Default)]
pub(in crate::tasks) struct Originals {
    /// The folders that they may be below.
    folders: Vec<PathBuf>,
    /// Where they were found, and their numbers.
    listed: HashMap<String, (Place, usize)>,
}

impl Originals {
    /// Finds the images of a store in `root`, in whatever form they were extracted from, or without it in the
    /// roots that the store has recorded.
    ///
    /// # Errors
    /// If `root` is no folder, and its images cannot be listed.
    pub(in crate::tasks) fn of_store(
        store: Option<&Path>,
        root: Option<&Path>,
        names: Names,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let mut all = Self::default();
        let recorded = store.filter(|_| root.is_none()).map(roots);
        let given = root.map(Path::to_owned);
        for folder in given.into_iter().chain(recorded.into_iter().flatten()) {
            if folder.is_dir() {
                all.folders.push(folder);
                continue;
            }
            match scan_inputs(&[folder], Labels::None, names, progress) {
                Ok(scan) => all.add(&scan),
                // An archive that was replaced is as good as gone.
                Err(error) if root.is_some() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(all)
    }

    /// Uses the images of a scan, by their names in a store and in an evaluation.
    pub(super) fn of_scan(scan: &Scan) -> Self {
        let mut all = Self::default();
        all.add(scan);
        all
    }

    fn add(&mut self, scan: &Scan) {
        for (number, found) in scan.entries.iter().enumerate() {
            if let Found::Sample(sample) = found {
                let address = sample.address();
                self.listed.insert(address, (sample.place.clone(), number));
                self.listed.insert(sample.name, (sample.place, number));
            }
        }
    }

    /// Returns an image, if it is known where it is. The index of a store is untrusted: `None` for a path
    /// that leads out of the folders.
    pub(in crate::tasks) fn find(&self, name: &str, digest: Digest) -> Option<Original> {
        let (place, number) = match self.listed.get(name) {
            Some(listed) => listed.clone(),
            None => (self.in_folders(name, digest)?, 0),
        };
        Some(Original {
            place,
            number,
            digest,
        })
    }

    /// Returns the file with this name in one of the folders. Of several, one with the digest is returned.
    fn in_folders(&self, name: &str, digest: Digest) -> Option<Place> {
        let mut files = self
            .folders
            .iter()
            .filter_map(|folder| within(folder, name));
        if self.folders.len() == 1 {
            return files.next().map(Place::from);
        }
        let budget = DecodeBudget::default();
        let is_it = |place: &Place| {
            let bytes = read(place, &Limits::default(), &budget);
            bytes.is_ok_and(|bytes| Digest::of(&bytes) == digest)
        };
        files.map(Place::from).find(is_it)
    }
}

/// Returns the file with a name in a folder; a name can be an absolute path, if it leads into the folder.
fn within(folder: &Path, name: &str) -> Option<PathBuf> {
    below(folder, name)
        .or_else(|| below(folder, &to_text(from_text(name).strip_prefix(folder).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leads_nowhere_else() {
        let images = Originals {
            folders: vec!["/images".into()],
            ..Originals::default()
        };
        let below = |name| {
            let found = images.find(name, Digest([0; 32]));
            found.map(|image| image.place)
        };
        let inside = PathBuf::from("/images/cat/1.jpg");
        assert_eq!(below("cat/1.jpg"), Some(inside.clone().into()));
        assert_eq!(below("/images/cat/1.jpg"), Some(inside.into()));
        assert_eq!(below("/images/../secret.png"), None);
        assert_eq!(below("../secret.png"), None);
        assert_eq!(below("/etc/secret.png"), None);
    }
}
