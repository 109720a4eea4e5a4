//! Provides samples with their features to every task: from a store, from images, or from images with a store
//! as a cache.
//!
//! A task gets the samples in input order through [`Source::each`], including the skipped ones with their
//! reasons. A task that needs some features again, for neighbours or in every epoch, reads the
//! [`FeatureStore`] directly.

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
use crate::progress::{Progress, go_on};

/// Where samples and their features come from.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// A store: the used samples of its last run.
    Store(Box<FeatureStore>),
    /// Images: one after the other, as soon as their features are available. Memory use does not grow with
    /// their number.
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
    /// Returns the engine that computes or has computed the features, or `None` if all features are in the
    /// store of a run over images.
    #[must_use]
    pub(crate) fn engine(&self) -> Option<&Engine> {
        match self {
            Self::Store(store) => Some(&store.manifest().engine),
            Self::Images(images) => images.network.as_ref().map(|network| &network.engine),
        }
    }

    /// Passes all samples, with the features of `views`, to `take`.
    ///
    /// # Errors
    /// If a store is damaged or lacks features; errors of the network and of `take`;
    /// [`Error::Interrupted`](crate::Error::Interrupted) if `progress` asks to stop. In all cases, the
    /// features computed so far are in the store. An image that cannot be used is not an error.
    pub(crate) fn each(
        self,
        views: &[View],
        progress: &dyn Progress,
        take: Taking<'_>,
    ) -> Result<Done> {
        match self {
            Self::Images(images) => images.each(views, progress, take),
            Self::Store(store) => each_stored(&store, views, progress, take),
        }
    }
}

/// How many samples of a store are read at a time.
const SAMPLES: usize = 1024;

/// Passes the used samples of a store on, some at a time.
fn each_stored(
    store: &FeatureStore,
    views: &[View],
    progress: &dyn Progress,
    take: Taking<'_>,
) -> Result<Done> {
    let mut reader = store.reader()?;
    let mut used = store.index().used().peekable();
    let mut reused = 0;
    while used.peek().is_some() {
        go_on(progress)?;
        let (rows, digests): (Vec<_>, Vec<_>) = used.by_ref().take(SAMPLES).unzip();
        let features = reader.views(&digests, views)?;
        take(Samples {
            rows: &rows,
            features: features.view(),
        })?;
        reused += rows.len();
    }
    Ok(Done {
        reused,
        ..Done::default()
    })
}
