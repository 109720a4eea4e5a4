//! The options of `report`, and where images and features are.

use std::path::{Path, PathBuf};

use crate::error::{Result, TaskError};
use crate::features::{Digest, is_store};
use crate::head::Bootstrap;
use crate::images::path_text::{below, from_text, to_text};
use crate::tasks::labelled_predictions::EvaluationInput;

/// The options of [`report`](crate::tasks::report()): what to report on, and where to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportOptions {
    /// The head, and the features or images to evaluate it on.
    pub input: EvaluationInput,
    /// The folder with the images of a feature store; not used if `input.data` is a folder of images.
    pub images: Option<PathBuf>,
    /// The store with the training features, to show the nearest training images of each mistake.
    pub train: Option<PathBuf>,
    /// The folder with the training images.
    pub train_images: Option<PathBuf>,
    /// The page to write; `-` is standard output.
    pub output: PathBuf,
    /// How the intervals are computed.
    pub bootstrap: Bootstrap,
}

impl ReportOptions {
    /// Reports on an evaluation, without images from elsewhere and without training images.
    #[must_use]
    pub fn new(input: EvaluationInput, output: PathBuf) -> Self {
        Self {
            input,
            images: None,
            train: None,
            train_images: None,
            output,
            bootstrap: Bootstrap::default(),
        }
    }

    /// Returns the store with the features of the evaluated images.
    ///
    /// # Errors
    /// [`TaskError::FeaturesNotKept`].
    pub(super) fn evaluated_features(&self) -> Result<&Path> {
        let input = &self.input;
        if is_store(&input.data) {
            return Ok(&input.data);
        }
        let kept = input.head.computing.store.as_deref();
        Ok(kept.ok_or(TaskError::FeaturesNotKept)?)
    }
}

/// The file of a sample, and the digest that it had when its features were computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
}

/// Where the evaluated images are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roots<'a> {
    /// The folder of images, if one was evaluated; its samples are named by the path to open.
    folder: Option<&'a Path>,
    /// The folder that the names of a store's samples are relative to.
    pub(super) images: Option<&'a Path>,
}

impl<'a> Roots<'a> {
    pub(super) fn of(options: &'a ReportOptions) -> Self {
        let data = options.input.data.as_path();
        if is_store(data) {
            return Self {
                folder: None,
                images: options.images.as_deref(),
            };
        }
        Self {
            folder: Some(data),
            images: Some(data),
        }
    }

    /// Returns the name of a sample to display, relative to the folder.
    pub(super) fn name<'p>(&self, path: &'p str) -> &'p str {
        let folder = self.folder.map(to_text);
        let below = folder.and_then(|folder| {
            path.strip_prefix(folder.trim_end_matches('/'))?
                .strip_prefix('/')
        });
        below.unwrap_or(path)
    }

    /// Returns the file of a sample, if it is known.
    pub(super) fn file(&self, path: &str, digest: Digest) -> Option<Original> {
        match self.folder {
            Some(_) => Some(Original {
                path: from_text(path),
                digest,
            }),
            None => file_below(self.images?, path, digest),
        }
    }
}

/// Returns the file of a store's sample. The index is untrusted: `None` for a path that leads out of the
/// folder.
pub(super) fn file_below(root: &Path, name: &str, digest: Digest) -> Option<Original> {
    let path = below(root, name)?;
    Some(Original { path, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leads_nowhere_else() {
        let below = |name| {
            let file = file_below(Path::new("/images"), name, Digest([0; 32]));
            file.map(|file| file.path)
        };
        assert_eq!(below("cat/1.jpg"), Some("/images/cat/1.jpg".into()));
        assert_eq!(below("../secret.png"), None);
        assert_eq!(below("/etc/secret.png"), None);
    }

    #[test]
    fn a_folder_is_cut_off_the_names_of_its_samples() {
        let roots = Roots {
            folder: Some(Path::new("data/val/")),
            images: None,
        };
        assert_eq!(roots.name("data/val/cat/1.jpg"), "cat/1.jpg");
        assert_eq!(roots.name("data/value/1.jpg"), "data/value/1.jpg");
    }
}
