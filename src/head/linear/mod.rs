//! The linear layer, its loss, and their inner loops.

mod cross_entropy;
mod gradient;
mod layer;
mod number;
mod products;
mod softmax;

pub(crate) use cross_entropy::CrossEntropy;
pub(crate) use gradient::{Added, Batch, Use};
pub use layer::LinearHead;
pub(crate) use products::products;
pub(crate) use softmax::{argmax, log_softmax_row};
pub use softmax::{log_softmax, softmax};
