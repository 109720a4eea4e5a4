//! What to report on, and where its images and features lie.

use std::path::{Path, PathBuf};

use crate::error::{Result, TaskError};
use crate::features::{Digest, is_store};
use crate::head::Bootstrap;
use crate::images::path_text::{from_text, to_text};
use crate::tasks::judge::JudgeOptions;

/// The options of [`report`](crate::tasks::report()): what to report on, and where to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportOptions {
    /// The head, and the features or images it is evaluated on.
    pub judge: JudgeOptions,
    /// Where the images of a store lie; a folder of images is its own.
    pub images: Option<PathBuf>,
    /// The store with the training images, to show the nearest to each mistake.
    pub train: Option<PathBuf>,
    /// Where the training images lie.
    pub train_images: Option<PathBuf>,
    /// The page to write; `-` is standard output.
    pub output: PathBuf,
    /// How the intervals are found.
    pub bootstrap: Bootstrap,
}

impl ReportOptions {
    /// A page on nothing but a head and what it is judged on.
    #[must_use]
    pub fn new(judge: JudgeOptions, output: PathBuf) -> Self {
        Self {
            judge,
            images: None,
            train: None,
            train_images: None,
            output,
            bootstrap: Bootstrap::default(),
        }
    }

    /// Where the features of the judged images are.
    ///
    /// # Errors
    /// [`TaskError::FeaturesNotKept`].
    pub(super) fn judged_features(&self) -> Result<&Path> {
        let judge = &self.judge;
        if is_store(&judge.data) {
            return Ok(&judge.data);
        }
        let kept = judge.head.computing.store.as_deref();
        Ok(kept.ok_or(TaskError::FeaturesNotKept)?)
    }
}

/// The file of a sample, and the digest of what it held when its features were computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
}

/// Where the judged images lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roots<'a> {
    /// A folder of images that was judged: its samples are named by the path to open.
    folder: Option<&'a Path>,
    /// What the names of a store's samples are relative to.
    pub(super) images: Option<&'a Path>,
}

impl<'a> Roots<'a> {
    pub(super) fn of(options: &'a ReportOptions) -> Self {
        let data = options.judge.data.as_path();
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

    /// The name of a sample for people: relative to the folder.
    pub(super) fn name<'p>(&self, path: &'p str) -> &'p str {
        let folder = self.folder.map(to_text);
        let below = folder.and_then(|folder| {
            path.strip_prefix(folder.trim_end_matches('/'))?
                .strip_prefix('/')
        });
        below.unwrap_or(path)
    }

    /// The file of a sample, where that is known.
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

/// The file of a store's sample. An index is data from elsewhere: what leads out of the folder is not
/// followed.
pub(super) fn file_below(root: &Path, name: &str, digest: Digest) -> Option<Original> {
    let name = from_text(name);
    let inside = name
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    inside.then(|| Original {
        path: root.join(name),
        digest,
    })
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
