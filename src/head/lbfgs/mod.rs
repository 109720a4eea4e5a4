//! Softmax regression by L-BFGS, one problem or many at once.

mod blocks;
mod evaluator;
mod fours;
mod line_search;
mod minimiser;
mod minimum;
mod plain;
mod problem;
mod sums;
mod vectors;

pub(crate) use evaluator::Evaluator;
pub use minimum::Optimum;
pub(crate) use minimum::{Reached, Stop, checked, minimise, minimise_all};
pub(crate) use problem::Problem;
