//! Samples with their features, for every task: from a store, from images, or from images with a store as a
//! cache.
//!
//! A task gets them in input order through [`Source::each`], with the reasons for those that are skipped.
//! Whoever needs the features of certain images again, as for neighbours or in every epoch, asks the
//! [`FeatureStore`] itself.

mod computing;
mod kept;
mod samples;

pub(crate) use computing::Computed;
pub use computing::Computing;
pub(crate) use kept::Kept;
pub(crate) use samples::{Done, Samples, Taking};

use super::store::FeatureStore;
use crate::backbones::Engine;
use crate::error::Result;
use crate::images::View;
use crate::progress::Progress;

/// Where samples and their features come from.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// A store: the used samples of its last run, all at once.
    Store(Box<FeatureStore>),
    /// Images: one after the other, as soon as the features are known. Memory does not grow with their
    /// number.
    Images(Box<Computed<'a>>),
}

impl From<FeatureStore> for Source<'_> {
    fn from(store: FeatureStore) -> Self {
        Self::Store(Box::new(store))
    }
}

impl<'a> From<Computed<'a>> for Source<'a> {
    fn from(images: Computed<'a>) -> Self {
        Self::Images(Box::new(images))
    }
}

impl Source<'_> {
    /// What computes the features, or has computed them; `None` where the images are all known.
    #[must_use]
    pub(crate) fn engine(&self) -> Option<&Engine> {
        match self {
            Self::Store(store) => Some(&store.manifest().engine),
            Self::Images(images) => images.network.as_ref().map(|network| &network.engine),
        }
    }

    /// Gives all samples, with the features of `views`, to `take`.
    ///
    /// # Errors
    /// A store that is damaged or lacks features; those of the network, and those of `take`;
    /// [`Error::Interrupted`](crate::Error::Interrupted) where `progress` asks for an end. Whatever ends a
    /// run, what it has computed is in its store. An image that cannot be used is no error.
    pub(crate) fn each(
        self,
        views: &[View],
        progress: &dyn Progress,
        take: Taking<'_>,
    ) -> Result<Done> {
        match self {
            Self::Images(images) => images.each(views, progress, take),
            Self::Store(store) => {
                let (rows, digests): (Vec<_>, Vec<_>) = store.index().used().unzip();
                let features = store.views(&digests, views)?;
                take(Samples {
                    rows: &rows,
                    features: features.view(),
                })?;
                Ok(Done {
                    reused: rows.len(),
                    ..Done::default()
                })
            }
        }
    }
}
