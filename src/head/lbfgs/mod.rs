//! L-BFGS on softmax regression, many problems at once.

mod blocks;
mod fours;
mod kernels;
mod line_search;
mod minimiser;
mod minimum;
mod plain;
mod problem;
mod sums;

pub(crate) use minimiser::{Lbfgs, Step};
pub use minimum::Optimum;
pub(crate) use minimum::{Reached, Stop, checked, minimise};
pub(crate) use problem::{Evaluator, Problem};
