//! Reads labelled features from stores.

use std::path::PathBuf;

use frostline::Result;
use frostline::features::{Digest, FeatureStore};
use ndarray::{Array2, ArrayView2, Axis, concatenate};

/// Features (N, D), class names (N) and digests (N) of images.
pub(crate) struct Images {
    pub(crate) features: Array2<f32>,
    pub(crate) names: Vec<String>,
    pub(crate) digests: Vec<[u8; 32]>,
}

impl Images {
    /// Reads the images of stores; those without a class have an empty name.
    pub(crate) fn of(stores: &[PathBuf]) -> Result<Self> {
        let (mut parts, mut names, mut digests) = (Vec::new(), Vec::new(), Vec::new());
        for store in stores {
            let store = FeatureStore::open(store)?;
            let (rows, found): (Vec<_>, Vec<Digest>) = store.index().used().unzip();
            parts.push(store.features(&found)?);
            names.extend(rows.iter().map(|row| row.class.clone().unwrap_or_default()));
            digests.extend(found.iter().map(|digest| digest.0));
        }
        let parts: Vec<ArrayView2<f32>> = parts.iter().map(Array2::view).collect();
        let features = concatenate(Axis(0), &parts).expect("all stores have the same backbone");
        Ok(Self {
            features,
            names,
            digests,
        })
    }

    /// Selects the images of some classes.
    pub(crate) fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let rows: Vec<usize> = (0..self.names.len())
            .filter(|&row| wanted(&self.names[row]))
            .collect();
        Self {
            features: self.features.select(Axis(0), &rows),
            names: rows.iter().map(|&row| self.names[row].clone()).collect(),
            digests: rows.iter().map(|&row| self.digests[row]).collect(),
        }
    }
}
