//! The options of `report`, and where its features are.

use std::path::{Path, PathBuf};

use crate::error::{Result, TaskError};
use crate::features::is_store;
use crate::head::Bootstrap;
use crate::images::path_text::to_text;
use crate::tasks::labelled_predictions::EvaluationInput;

/// The options of [`report`](crate::tasks::report()): what to report on, and where to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportOptions {
    /// The head, and the features or images to evaluate it on.
    pub input: EvaluationInput,
    /// The images of a feature store, as they were extracted: a folder, an archive, a table, or the URL of an
    /// object store. Not used if `input.data` is images itself.
    pub images: Option<PathBuf>,
    /// The store with the training features, to show the nearest training images of each mistake.
    pub train: Option<PathBuf>,
    /// The training images, in the same forms.
    pub train_images: Option<PathBuf>,
    /// Another head to compare with, of the same classes and on the same features.
    pub compare: Option<PathBuf>,
    /// The title of the page; by default the name of the evaluated data.
    pub title: Option<String>,
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
            compare: None,
            title: None,
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

    /// Returns where the evaluated images are, as the user named it.
    pub(super) fn evaluated_images(&self) -> Option<&Path> {
        let data = self.input.data.as_path();
        if is_store(data) {
            self.images.as_deref()
        } else {
            Some(data)
        }
    }
}

/// Returns the name of an evaluated sample to display: what leads to an image of `data` is cut off.
pub(super) fn shown_name<'p>(data: &Path, path: &'p str) -> &'p str {
    let data = to_text(data);
    let below = path
        .strip_prefix(data.trim_end_matches('/'))
        .and_then(|below| below.strip_prefix('/'));
    below.unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_cut_off_the_names_of_its_samples() {
        let name = |path| shown_name(Path::new("data/val/"), path);
        assert_eq!(name("data/val/cat/1.jpg"), "cat/1.jpg");
        assert_eq!(name("data/value/1.jpg"), "data/value/1.jpg");
    }
}
