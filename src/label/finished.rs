//! The files that a session ends with.

use std::path::PathBuf;

/// The files of a session, for the commands that write the same ones.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finished {
    /// The store.
    pub features: PathBuf,
    /// The label file.
    pub labels: PathBuf,
    /// The head.
    pub head: PathBuf,
    /// The report, if there is one.
    pub report: Option<PathBuf>,
    /// The images of the report, if they can be named.
    pub images: Option<PathBuf>,
    /// The share of known images that the head's rejection may reject; `None` without a rejection.
    pub reject: Option<f64>,
    /// The number of folds.
    pub folds: usize,
}
