//! Where the images on the page are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::features::Digest;
use crate::images::path_text::below;
use crate::images::{Found, Labels, Names, Place, Scan, scan_inputs};
use crate::progress::Progress;

/// Where an image is, and the digest that it had when its features were computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) place: Place,
    /// Its number in a list; images of an archive or table are read fastest in the order of their list.
    pub(super) number: usize,
    pub(super) digest: Digest,
}

/// Where images are, by their names.
#[derive(Debug)]
pub(super) enum Originals {
    Unknown,
    /// Below this folder.
    Folder(PathBuf),
    /// Where they were found, and their numbers.
    Listed(HashMap<String, (Place, usize)>),
}

impl Originals {
    /// Finds the images of a store in `root`, in whatever form they were extracted from.
    ///
    /// # Errors
    /// If `root` is no folder, and its images cannot be listed.
    pub(super) fn of_store(
        root: Option<&Path>,
        names: Names,
        progress: &dyn Progress,
    ) -> Result<Self> {
        Ok(match root {
            None => Self::Unknown,
            Some(folder) if folder.is_dir() => Self::Folder(folder.to_owned()),
            Some(root) => {
                let scan = scan_inputs(&[root.to_owned()], Labels::None, names, progress)?;
                Self::of_scan(&scan)
            }
        })
    }

    /// Uses the images of a scan, by their names in a store and in an evaluation.
    pub(super) fn of_scan(scan: &Scan) -> Self {
        let mut listed = HashMap::new();
        for (number, found) in scan.entries.iter().enumerate() {
            if let Found::Sample(sample) = found {
                listed.insert(sample.address(), (sample.place.clone(), number));
                listed.insert(sample.name, (sample.place, number));
            }
        }
        Self::Listed(listed)
    }

    /// Returns an image, if it is known where it is. The index of a store is untrusted: `None` for a path
    /// that leads out of the folder.
    pub(super) fn find(&self, name: &str, digest: Digest) -> Option<Original> {
        let (place, number) = match self {
            Self::Unknown => None,
            Self::Folder(folder) => Some((below(folder, name)?.into(), 0)),
            Self::Listed(listed) => listed.get(name).cloned(),
        }?;
        Some(Original {
            place,
            number,
            digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leads_nowhere_else() {
        let images = Originals::Folder("/images".into());
        let below = |name| {
            let found = images.find(name, Digest([0; 32]));
            found.map(|image| image.place)
        };
        let inside = PathBuf::from("/images/cat/1.jpg");
        assert_eq!(below("cat/1.jpg"), Some(inside.into()));
        assert_eq!(below("../secret.png"), None);
        assert_eq!(below("/etc/secret.png"), None);
    }
}
