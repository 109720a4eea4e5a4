//! The options of `split`, and their checks.

use std::path::PathBuf;

use crate::error::{Result, require};
use crate::head::NEAR_DUPLICATE;
use crate::images::Names;
use crate::outputs;
use crate::tasks::fit_head::check_near;
use crate::tasks::laid_labels::LabelOptions;

/// The options of [`split`](crate::tasks::split()).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SplitOptions {
    /// A feature store, or a folder of images.
    pub data: PathBuf,
    /// Which files in a folder are images.
    pub names: Names,
    /// Labels instead of the classes of folders.
    pub labels: Option<LabelOptions>,
    /// The shares of training, validation and test images, from 0 to 1, with the sum 1.
    pub fractions: [f64; 3],
    /// A table and its column that says which images belong together, such as those of one patient.
    pub groups: Option<(PathBuf, String)>,
    /// The cosine similarity from which images of a store count as near-duplicates, in (0, 1].
    pub near: f32,
    /// The seed.
    pub seed: u64,
    /// An earlier result. The images that it lists keep their splits. By default the output, if it exists.
    pub keep: Option<PathBuf>,
    /// The CSV file to write, with the columns `path`, `split` and `class`; `-` is standard output.
    pub output: PathBuf,
}

impl SplitOptions {
    /// Splits 80 % of the images off for training, and 10 % each for validation and test.
    #[must_use]
    pub fn new(data: PathBuf, output: PathBuf) -> Self {
        Self {
            data,
            names: Names::default(),
            labels: None,
            fractions: [0.8, 0.1, 0.1],
            groups: None,
            near: NEAR_DUPLICATE,
            seed: 0,
            keep: None,
            output,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_near(self.near)?;
        let sum: f64 = self.fractions.iter().sum();
        let are_shares = self
            .fractions
            .iter()
            .all(|share| (0.0..=1.0).contains(share));
        let text = self.fractions.map(|share| share.to_string()).join(",");
        let wanted = "three shares from 0 to 1 with the sum 1";
        require(
            are_shares && (sum - 1.0).abs() < 1e-6,
            "fractions",
            &text,
            wanted,
        )
    }

    /// Returns the earlier result to go on from.
    pub(super) fn kept(&self) -> Option<PathBuf> {
        let there =
            || Some(self.output.clone()).filter(|path| !outputs::is_stdout(path) && path.is_file());
        self.keep.clone().or_else(there)
    }
}
