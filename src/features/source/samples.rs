//! The samples with features that a source passes on, and a summary of what it did.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use crate::error::Result;
use crate::features::index::IndexRow;
use crate::features::pipeline::Speed;

/// Some samples, in input order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples<'a> {
    /// Their paths, classes and digests, or why they were skipped. The path of an image is the one to open,
    /// as text. The path of a sample from a store, or of an image that is being extracted, is relative to the
    /// root.
    pub rows: &'a [IndexRow],
    /// The features of the samples that were not skipped, (N · V, D), with the V views of each in consecutive
    /// rows. Empty if no views were requested.
    pub features: ArrayView2<'a, f32>,
}

/// Receives samples. An error stops the run.
pub(crate) type Taking<'a> = &'a mut dyn FnMut(Samples<'_>) -> Result<()>;

/// What a source did, apart from passing on samples.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    /// Number of images whose features were computed.
    pub computed: usize,
    /// Number of samples whose features were reused.
    pub reused: usize,
    /// Number of images that could not be used.
    pub skipped: usize,
    /// Notes for the user about the store.
    pub store_notes: Vec<String>,
    /// Notes for the user about the network.
    pub network_notes: Vec<String>,
    /// Why `auto` did not select a GPU.
    pub why_not_gpu: Option<String>,
    /// How long the stages took, and which of them limited the speed.
    pub speed: Speed,
    /// The images that were extracted.
    pub listed: Listed,
}

/// The images of an extraction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed {
    /// How many images of each class are used; 0 for a class with skipped ones only. Under `None`, those
    /// without a class.
    pub classes: BTreeMap<Option<String>, usize>,
    /// The paths of skipped images, with the reasons, in input order.
    pub skipped: Vec<(String, String)>,
}

impl Listed {
    pub(super) fn add(&mut self, row: &IndexRow) {
        self.count(row);
        if let Err(reason) = &row.content {
            self.skipped.push((row.path.clone(), reason.clone()));
        }
    }

    /// Counts the class of an image.
    pub(super) fn count(&mut self, row: &IndexRow) {
        let is_used = usize::from(row.content.is_ok());
        match self.classes.get_mut(&row.class) {
            Some(used) => *used += is_used,
            None => {
                self.classes.insert(row.class.clone(), is_used);
            }
        }
    }
}
