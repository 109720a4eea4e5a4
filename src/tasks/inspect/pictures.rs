//! The images of one store or two, and the features of those that differ.

use std::collections::HashMap;

use super::report::{InspectOptions, InspectedImage, Side};
use crate::error::{Result, TaskError};
use crate::features::{Digest, FeatureStore};
use crate::head::UnitRows;
use crate::images::View;

/// Images in the order of the stores' indices, those of the inspected store first.
pub(super) struct Pictures {
    all: Listed,
    /// The features of the distinct images of the inspected store: the first ones.
    pub(super) own: UnitRows,
    /// Those of the further ones of the other store.
    pub(super) theirs: UnitRows,
    pub(super) store: FeatureStore,
    n_own: usize,
}

/// Images, and which of them are equal.
#[derive(Default)]
struct Listed {
    images: Vec<InspectedImage>,
    /// The distinct image that each is.
    distinct: Vec<usize>,
    /// The images that each distinct one is, ascending.
    copies: Vec<Vec<usize>>,
    digests: Vec<Digest>,
}

impl Listed {
    /// Adds the images of a store; how many images there are then, and how many distinct ones.
    fn add(
        &mut self,
        set: Side,
        store: &FeatureStore,
        known: &mut HashMap<Digest, usize>,
    ) -> (usize, usize) {
        for (row, digest) in store.index().used() {
            let number = *known.entry(digest).or_insert_with(|| {
                self.digests.push(digest);
                self.copies.push(Vec::new());
                self.digests.len() - 1
            });
            self.copies[number].push(self.images.len());
            self.distinct.push(number);
            self.images.push(InspectedImage {
                set,
                path: row.path.clone(),
                class: row.class.clone(),
                digest,
            });
        }
        (self.images.len(), self.digests.len())
    }
}

impl Pictures {
    pub(super) fn open(options: &InspectOptions) -> Result<Self> {
        let store = open(&options.features)?;
        let against = options.against.as_deref().map(open).transpose()?;
        if let Some(against) = &against {
            require_same_spec(&store, against)?;
        }
        let (mut all, mut known) = (Listed::default(), HashMap::new());
        let (n_own, own_digests) = all.add(Side::Features, &store, &mut known);
        if let Some(against) = &against {
            all.add(Side::Against, against, &mut known);
        }
        let (ours, theirs) = all.digests.split_at(own_digests);
        let theirs = against.as_ref().unwrap_or(&store).features(theirs)?;
        Ok(Self {
            own: UnitRows::of(store.features(ours)?.view()),
            theirs: UnitRows::of(theirs.view()),
            all,
            store,
            n_own,
        })
    }

    /// Images of both stores.
    pub(super) fn len(&self) -> usize {
        self.all.images.len()
    }

    /// Images of the inspected store: those that come first.
    pub(super) fn n_own(&self) -> usize {
        self.n_own
    }

    pub(super) fn image(&self, image: usize) -> &InspectedImage {
        &self.all.images[image]
    }

    pub(super) fn class(&self, image: usize) -> Option<&str> {
        self.all.images[image].class.as_deref()
    }

    /// The distinct image that an image is.
    pub(super) fn distinct(&self, image: usize) -> usize {
        self.all.distinct[image]
    }

    /// The images that each distinct one is.
    pub(super) fn copies(&self) -> &[Vec<usize>] {
        &self.all.copies
    }

    /// The digest of each distinct image, those of the inspected store first.
    pub(super) fn digests(&self) -> &[Digest] {
        &self.all.digests
    }

    /// Images as they are told of.
    pub(super) fn described(&self, images: impl IntoIterator<Item = usize>) -> Vec<InspectedImage> {
        images
            .into_iter()
            .map(|image| self.all.images[image].clone())
            .collect()
    }

    /// The class of each image of the inspected store, or how many have none.
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
    if store.index().used().next().is_some() {
        return Ok(store);
    }
    Err(store.no_samples())
}

fn require_same_spec(store: &FeatureStore, against: &FeatureStore) -> Result<()> {
    let [ours, theirs] =
        [store, against].map(|store| store.manifest().spec.with_views(&[View::Center]));
    let differences = ours.differences_from_superset(&theirs);
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
