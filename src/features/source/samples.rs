//! Samples with their features, as a source gives them, and what else it did.

use ndarray::ArrayView2;

use crate::error::Result;
use crate::features::index::{Index, IndexRow};
use crate::features::pipeline::Speed;

/// Some samples, in input order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples<'a> {
    /// Their paths, classes and digests, or why they are skipped. The path of an image is the one to open, as
    /// text; that of a store's sample, or of one that is being extracted, is relative to the root.
    pub rows: &'a [&'a IndexRow],
    /// The features of those that are not skipped, (N · V, D): the V views of each together. Empty if none
    /// was asked for.
    pub features: ArrayView2<'a, f32>,
}

/// Takes samples; an error ends the run.
pub(crate) type Taking<'a> = &'a mut dyn FnMut(Samples<'_>) -> Result<()>;

/// What a source did, besides giving samples.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    /// Images whose features were computed.
    pub computed: usize,
    /// Samples whose features were known.
    pub reused: usize,
    /// Images that could not be used.
    pub skipped: usize,
    /// What the user should know of the store.
    pub store_notes: Vec<String>,
    /// What the user should know of the network.
    pub network_notes: Vec<String>,
    /// Why `auto` did not take a GPU.
    pub why_not_gpu: Option<String>,
    /// How long the stages were at work, and what kept them from being faster.
    pub speed: Speed,
    /// The index that was written, if the images were extracted.
    pub index: Index,
}
