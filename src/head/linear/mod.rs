//! The linear layer and its loss, and the inner loops over its numbers.

mod gradient;
mod layer;
mod number;
mod products;
mod softmax;
mod targets;

pub(crate) use gradient::{Added, Batch, Use};
pub use layer::LinearHead;
pub(crate) use products::products;
pub(crate) use softmax::{argmax, log_softmax_row};
pub use softmax::{log_softmax, softmax};
pub(crate) use targets::Targets;
