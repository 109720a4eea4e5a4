//! Stochastic gradient descent on the softmax cross-entropy.
//!
//! A step streams the rows of a batch once: the logits of all classes from memory, the gradient from the
//! cache. The features are dealt into shares of at most about a thousand columns, each with its part of the
//! weights, so that two threads need not exchange more than logits.

mod dropout;
mod pass;
mod share;
mod step;
mod threads;
mod trainer;

pub use pass::BatchLoss;
pub use trainer::Sgd;
