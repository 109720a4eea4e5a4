//! The options of `labels apply`.

use std::path::PathBuf;

use serde::Serialize;

use crate::images::Names;
use crate::tasks::laid_labels::LabelOptions;

/// How images get into the folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Sorting {
    /// As copies.
    Copy,
    /// As hard links; as copies where the system has none.
    Link,
    /// They are moved.
    Move,
}

/// The options of [`apply_labels`](crate::tasks::apply_labels()).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApplyLabelsOptions {
    /// The labels.
    pub labels: LabelOptions,
    /// A folder with the images.
    pub images: PathBuf,
    /// Which of its files are images.
    pub names: Names,
    /// The folder that gets a folder for each class.
    pub target: PathBuf,
    /// How images get there.
    pub how: Sorting,
    /// Labels with a lower probability, in [0, 1], put their images into the folder `unknown`.
    pub min_probability: Option<f64>,
    /// Whether nothing is written.
    pub dry_run: bool,
}

impl ApplyLabelsOptions {
    /// Sorts by all labels, whatever their probability.
    #[must_use]
    pub fn new(labels: LabelOptions, images: PathBuf, target: PathBuf, how: Sorting) -> Self {
        Self {
            labels,
            images,
            names: Names::default(),
            target,
            how,
            min_probability: None,
            dry_run: false,
        }
    }
}
