//! The problems found in the data of a report, as plain data.

use serde::Serialize;

use super::photo::Thumbnail;

/// Problems found in the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DataCare {
    /// The images whose labels were checked.
    pub checked: Origin,
    /// Groups of duplicates or near-duplicates, the most harmful first; not necessarily all.
    pub duplicates: Vec<DuplicateGroup>,
    /// The number of groups found.
    pub n_duplicates: usize,
    /// Images whose label may be wrong, the most suspicious first; not necessarily all.
    pub suspects: Vec<Suspect>,
    /// The number of images found whose label may be wrong.
    pub n_suspects: usize,
    /// Why the labels could not be checked, if so.
    pub not_checked: Option<String>,
}

/// Which images an image belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Origin {
    /// The images that the head was trained on.
    Training,
    /// The images that it is evaluated on.
    #[default]
    Evaluated,
}

/// Duplicates or near-duplicates of each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DuplicateGroup {
    /// The cosine similarity of the most similar pair; `None` for identical files.
    pub similarity: Option<f64>,
    /// The images; not necessarily all.
    pub images: Vec<Duplicate>,
    /// The number of images in the group, at least 2.
    pub n_images: usize,
    /// Whether their classes differ.
    pub contradictory: bool,
    /// Whether the group has both training and evaluated images.
    pub leaked: bool,
}

/// An image that is a duplicate or near-duplicate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duplicate {
    /// Its path, as text to display.
    pub path: String,
    /// The class of its folder; empty if it has none.
    pub class: String,
    /// Which images it belongs to.
    pub origin: Origin,
    /// Its thumbnail, if its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
}

/// An image whose label may be wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// Its path, as text to display.
    pub path: String,
    /// The class of its folder.
    pub given: String,
    /// The most probable class.
    pub likely: String,
    /// The probability of that class, in [0, 1].
    pub probability: f64,
    /// Whether cross-validation is confident of that class, not only more so than of the label.
    pub confident: bool,
    /// Its thumbnail, if its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
}
