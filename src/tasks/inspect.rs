//! `inspect`: what is odd about the images of a store; nothing is changed.

mod alike;
mod classes;
mod labels;
mod outliers;
mod pictures;
mod report;
mod trained_on;

use std::path::PathBuf;

use self::alike::Alike;
use self::pictures::Pictures;
use super::fit_head::{CrossValidation, check_near};
use crate::error::Result;
use crate::head::NEAR_DUPLICATE;

pub use report::{
    ClassCount, Contradiction, Duplicates, InspectReport, InspectedImage, LabelReport, Leakage,
    Leaked, Likeness, NearDuplicates, Outlier, Side, SuspectImage, TINY_CLASS, TrainedOn, Unlike,
};

/// What to inspect, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectOptions {
    /// The store, as that of a training set.
    pub features: PathBuf,
    /// Another of the same backbone that should share nothing with it, as that of the validation set.
    pub against: Option<PathBuf>,
    /// A head, to be told which of the store's images it was trained on.
    pub head: Option<PathBuf>,
    /// The cosine from which on two images count as nearly equal, in (0, 1].
    pub near: f32,
    /// Folds of the cross-validation that judges labels, at least 2.
    pub folds: usize,
    /// Of the folds and the fits.
    pub seed: u64,
}

impl InspectOptions {
    /// The defaults, for one store.
    #[must_use]
    pub fn new(features: PathBuf) -> Self {
        Self {
            features,
            against: None,
            head: None,
            near: NEAR_DUPLICATE,
            folds: 5,
            seed: 0,
        }
    }

    fn check(&self) -> Result<()> {
        check_near(self.near)?;
        CrossValidation { folds: self.folds }.check()
    }
}

/// Looks for equal and nearly equal images, leakage, contradictory and likely wrong labels, outliers and tiny classes.
///
/// Of images with several views, the centre is looked at. The features of both stores are held in memory, twice for a
/// while; every image is compared with every other: N² · D products, N the different images of both stores together.
///
/// # Errors
/// Options out of range; a store that cannot be read or holds no images; [`Error::Mismatch`](crate::Error::Mismatch) for two stores of different
/// backbones or preprocessing.
pub fn inspect(options: &InspectOptions) -> Result<InspectReport> {
    options.check()?;
    let pictures = Pictures::open(options)?;
    let trained_on = trained_on::find(&pictures, options)?;
    let alike = Alike::find(&pictures, options.near)?;
    let classes = classes::count(&pictures);
    let mut notes = Vec::new();
    let labels = match labels::judge(&pictures, &alike, options) {
        Ok(labels) => Some(labels),
        Err(why) => {
            notes.push(format!("wrong labels were not looked for: {why}"));
            None
        }
    };
    Ok(InspectReport {
        features: options.features.clone(),
        against: options.against.clone(),
        n_images: pictures.n_own(),
        n_against: pictures.len() - pictures.n_own(),
        near: options.near,
        classes,
        duplicates: alike::duplicates(&pictures),
        near_duplicates: alike.near_duplicates(&pictures),
        leakage: options.against.as_ref().map(|_| alike.leakage(&pictures)),
        trained_on,
        contradictions: alike.contradictions(&pictures),
        labels,
        outliers: outliers::find(&pictures, &alike, options.near),
        notes,
    })
}
