//! What is trained on: the labelled samples of a store, and their features.

use std::collections::BTreeMap;

use crate::classes::ClassIndex;
use crate::error::{Error, Result};
use crate::features::{Digest, FeatureStore};
use crate::head::FeatureMatrix;
use crate::images::View;

/// Labelled samples of a store, by name.
pub(super) struct Samples {
    pub(super) names: Vec<String>,
    pub(super) digests: Vec<Digest>,
}

impl Samples {
    pub(super) fn of(store: &FeatureStore) -> Result<Self> {
        let name = store.path().display();
        let (names, digests): (Vec<Option<String>>, Vec<Digest>) = store
            .index()
            .used()
            .map(|(row, digest)| (row.class.clone(), digest))
            .unzip();
        let unlabelled = names.iter().filter(|class| class.is_none()).count();
        if names.is_empty() {
            return Err(store.no_samples());
        }
        if unlabelled > 0 {
            return Err(Error::Input {
                problem: format!(
                    "{unlabelled} of the {} images in `{name}` have no class",
                    names.len()
                ),
                hint: "extract a folder that holds one folder for each class, as `cat/1.jpg` and `dog/2.jpg`"
                    .to_owned(),
            });
        }
        Ok(Self {
            names: names.into_iter().flatten().collect(),
            digests,
        })
    }

    /// Those rows whose class is known, as numbers; the others are counted by class.
    pub(super) fn targets(
        &self,
        classes: &ClassIndex,
    ) -> (Vec<usize>, Vec<Digest>, BTreeMap<String, usize>) {
        let (mut targets, mut digests, mut unknown) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (name, digest) in self.names.iter().zip(&self.digests) {
            match classes.class_to_idx(name) {
                Some(target) => {
                    targets.push(target);
                    digests.push(*digest);
                }
                None => *unknown.entry(name.clone()).or_insert(0) += 1,
            }
        }
        (targets, digests, unknown)
    }
}

/// Those that are trained on.
pub(super) fn views(augment: bool, store: &FeatureStore) -> Result<Vec<View>> {
    let there = &store.manifest().spec.views;
    match (augment, there.len()) {
        (false, _) => Ok(vec![View::Center]),
        (true, 2..) => Ok(there.clone()),
        (true, _) => Err(Error::Input {
            problem: format!(
                "`{}` holds one view of each image, and --augment draws one of several",
                store.path().display()
            ),
            hint: "extract the images with --views hflip, five-crop or ten-crop into a new store"
                .to_owned(),
        }),
    }
}

/// A store, and the views of it that are used.
pub(super) struct Source<'a> {
    pub(super) store: &'a FeatureStore,
    pub(super) views: &'a [View],
}

impl Source<'_> {
    pub(super) fn read(&self, targets: Vec<usize>, digests: &[Digest]) -> Result<FeatureMatrix> {
        Ok(FeatureMatrix {
            features: self.store.views(digests, self.views)?,
            views: self.views.len(),
            targets,
        })
    }
}
