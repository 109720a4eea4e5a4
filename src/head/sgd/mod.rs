//! Stochastic gradient descent on the softmax cross-entropy, step by step as `torch.optim.SGD`.

mod columns;
mod descent;
mod exchange;
mod meeting;
mod motion;
mod pass;
mod share;
mod trainer;

pub(crate) use columns::columns_of;
pub(crate) use motion::Rule;
pub use trainer::{BatchLoss, Sgd};
