//! Stochastic gradient descent on the softmax cross-entropy.
//!
//! A step reads the rows of a batch from memory only once, for the logits of all classes; the gradient reads
//! them from the cache. The features are split into shares of at most about 768 columns, each with its
//! part of the weights, so that threads exchange nothing larger than logits.

mod dropout;
mod pass;
mod share;
mod step;
mod threads;
mod trainer;

pub use pass::BatchLoss;
pub use trainer::Sgd;
