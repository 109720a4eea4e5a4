//! The images of one or two stores, and the features of the distinct ones.

use std::collections::HashMap;

use super::report::{InspectOptions, InspectedImage, Side};
use crate::error::{Result, TaskError};
use crate::features::{Digest, FeatureStore};
use crate::head::UnitRows;
use crate::images::View;
use crate::tasks::laid_labels::{LaidLabels, lay_over};

/// All images in index order, those of the inspected store first.
pub(super) struct Pictures {
    all: Listed,
    n_own: usize,
    n_own_distinct: usize,
}

/// What was opened for an inspection.
pub(super) struct Opened {
    pub(super) pictures: Pictures,
    pub(super) vectors: Vectors,
    /// The inspected store.
    pub(super) store: FeatureStore,
    pub(super) laid_labels: Option<LaidLabels>,
}

/// The features of the distinct images.
pub(super) struct Vectors {
    /// Those of the inspected store.
    pub(super) own: UnitRows,
    /// Those of the images that only the other store has.
    pub(super) theirs: UnitRows,
}

/// Images, and which of them are duplicates.
#[derive(Default)]
struct Listed {
    images: Vec<InspectedImage>,
    /// For each image, the index of its distinct image.
    distinct: Vec<usize>,
    /// For each distinct image, its copies in ascending order.
    copies: Vec<Vec<usize>>,
    digests: Vec<Digest>,
}

impl Listed {
    /// Adds the images of a store; returns the new number of images and of distinct images.
    fn add(
        &mut self,
        set: Side,
        store: &FeatureStore,
        known: &mut HashMap<Digest, usize>,
    ) -> (usize, usize) {
        for (row, digest) in store.index().used() {
            let image = InspectedImage {
                set,
                path: row.path,
                class: row.class,
                digest,
            };
            self.push(image, known);
        }
        (self.images.len(), self.digests.len())
    }

    fn push(&mut self, image: InspectedImage, known: &mut HashMap<Digest, usize>) {
        let digest = image.digest;
        let number = *known.entry(digest).or_insert_with(|| {
            self.digests.push(digest);
            self.copies.push(Vec::new());
            self.digests.len() - 1
        });
        self.copies[number].push(self.images.len());
        self.distinct.push(number);
        self.images.push(image);
    }
}

impl Pictures {
    pub(super) fn open(options: &InspectOptions) -> Result<Opened> {
        let mut store = open(&options.features)?;
        let mut against = options.against.as_deref().map(open).transpose()?;
        let labels = options.labels.as_ref();
        let laid = labels.map(|labels| lay_over(labels, &mut store, against.as_mut()));
        let laid = laid.transpose()?;
        if let Some(against) = &against {
            require_same_spec(&store, against)?;
        }
        let (mut all, mut known) = (Listed::default(), HashMap::new());
        let (n_own, n_own_distinct) = all.add(Side::Features, &store, &mut known);
        if let Some(against) = &against {
            all.add(Side::Against, against, &mut known);
        }
        let (ours, theirs) = all.digests.split_at(n_own_distinct);
        let theirs = against.as_ref().unwrap_or(&store).features(theirs)?;
        let vectors = Vectors {
            own: UnitRows::scaled(store.features(ours)?),
            theirs: UnitRows::scaled(theirs),
        };
        let pictures = Self {
            all,
            n_own,
            n_own_distinct,
        };
        Ok(Opened {
            pictures,
            vectors,
            store,
            laid_labels: laid,
        })
    }

    /// Uses images in memory.
    #[cfg(feature = "serve")]
    pub(super) fn of(images: impl Iterator<Item = InspectedImage>) -> Self {
        let (mut all, mut known) = (Listed::default(), HashMap::new());
        images.for_each(|image| all.push(image, &mut known));
        Self {
            n_own: all.images.len(),
            n_own_distinct: all.digests.len(),
            all,
        }
    }

    /// Returns the number of images in both stores.
    pub(super) fn len(&self) -> usize {
        self.all.images.len()
    }

    /// Returns the number of images in the inspected store, which come first.
    pub(super) fn n_own(&self) -> usize {
        self.n_own
    }

    /// Returns the number of distinct images in the inspected store, which come first.
    pub(super) fn n_own_distinct(&self) -> usize {
        self.n_own_distinct
    }

    pub(super) fn image(&self, image: usize) -> &InspectedImage {
        &self.all.images[image]
    }

    pub(super) fn class(&self, image: usize) -> Option<&str> {
        self.all.images[image].class.as_deref()
    }

    /// Returns the index of an image's distinct image.
    pub(super) fn distinct(&self, image: usize) -> usize {
        self.all.distinct[image]
    }

    /// Returns the copies of each distinct image.
    pub(super) fn copies(&self) -> &[Vec<usize>] {
        &self.all.copies
    }

    /// Returns the digest of each distinct image, those of the inspected store first.
    pub(super) fn digests(&self) -> &[Digest] {
        &self.all.digests
    }

    /// Returns the descriptions of images, for a report.
    pub(super) fn described(&self, images: impl IntoIterator<Item = usize>) -> Vec<InspectedImage> {
        images
            .into_iter()
            .map(|image| self.all.images[image].clone())
            .collect()
    }

    /// Returns the class of each image of the inspected store, or as an error how many have none.
    pub(super) fn own_classes(&self) -> Result<Vec<&str>, usize> {
        let classes = (0..self.n_own).map(|image| self.class(image));
        let known: Vec<&str> = classes.flatten().collect();
        match self.n_own - known.len() {
            0 => Ok(known),
            missing => Err(missing),
        }
    }
}

fn open(path: impl AsRef<std::path::Path>) -> Result<FeatureStore> {
    let store = FeatureStore::open(path.as_ref())?;
    store.require_samples()?;
    Ok(store)
}

fn require_same_spec(store: &FeatureStore, against: &FeatureStore) -> Result<()> {
    let [ours, theirs] =
        [store, against].map(|store| store.manifest().spec.with_views(&[View::Center]));
    let names = [store, against].map(|store| format!("`{}`", store.path().display()));
    let differences = ours.differences_from_superset(&theirs, [&names[0], &names[1]]);
    if differences.is_empty() {
        return Ok(());
    }
    Err(TaskError::OtherAgainst {
        features: store.path().to_owned(),
        against: against.path().to_owned(),
        differences,
    }
    .into())
}
