//! Labelled features: rows, groups of near-duplicates, splits, and standardisation.

mod centres;
mod groups;
mod labelled;
mod neighbours;
mod random;
mod regions;
mod rows;
mod search;
mod split;
mod standard;

#[cfg(feature = "serve")]
pub(crate) use centres::clusters;
pub use groups::Groups;
pub(crate) use groups::Joins;
pub use labelled::LabelledFeatures;
pub(crate) use labelled::{FeatureMatrix, require_classes, require_equal, require_two_classes};
pub use neighbours::{NEAR_DUPLICATE, Neighbour, UnitRows};
pub(crate) use neighbours::{NearPair, Wanted};
pub(crate) use random::{RowOrder, below, order_generator, shuffle};
pub(crate) use rows::{Block, FeatureRows, row_of};
pub(crate) use search::{NeighbourSearch, approximately, lower};
pub(crate) use split::seeded_hash;
pub use split::{Split, validation_split};
pub(crate) use standard::Standard;
