//! Drift: whether new images are like the training images, by tests of two samples.
//!
//! Each test has a size, which does not grow with the number of images, and a p-value, which does: with many
//! images a trifling difference is significant, and with few a large one is not.

mod distance;
mod separation;
mod shares;
mod tests_of_two;

pub use distance::DistanceShift;
pub(crate) use distance::{nearest_others, nearest_training};
pub use separation::Separation;
pub(crate) use separation::separation;
pub use shares::{ClassShare, ShareShift};

/// With a lower p-value a difference counts: one false alarm in a thousand tests.
pub(crate) const LEVEL: f64 = 0.001;
