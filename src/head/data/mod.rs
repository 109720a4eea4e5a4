//! Labelled features: rows, groups of near-duplicates, splits, and standardisation.

mod groups;
mod labelled;
mod neighbours;
mod random;
mod rows;
mod split;
mod standard;

pub use groups::{Groups, Joins};
pub use labelled::{FeatureMatrix, LabelledFeatures};
pub(crate) use labelled::{require_classes, require_equal, require_two_classes};
pub use neighbours::{NEAR_DUPLICATE, NearPair, Neighbour, UnitRows};
pub(crate) use random::{RowOrder, below, order_generator, shuffle};
pub(crate) use rows::row_of;
pub use rows::{Block, FeatureRows};
pub(crate) use split::seeded_hash;
pub use split::{Split, validation_split};
pub(crate) use standard::Standard;
