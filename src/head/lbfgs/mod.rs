//! Softmax regression by L-BFGS, one problem or many at once.

mod blocks;
mod evaluator;
mod fours;
mod line_search;
mod minimiser;
mod minimum;
mod plain;
mod problem;
mod single;
mod sums;
mod vectors;

#[cfg(feature = "linfa-logistic")]
pub(crate) use evaluator::{Evaluator, Precision};
pub use minimum::Optimum;
#[cfg(feature = "linfa-logistic")]
pub(crate) use minimum::{Reached, checked};
pub(crate) use minimum::{Stop, minimise, minimise_all};
pub(crate) use problem::Problem;
