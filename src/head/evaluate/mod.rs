//! Evaluates predictions with the metrics of scikit-learn, edge cases included.

mod bootstrap;
mod comparison;
mod confusion;
mod evaluation;
mod evaluator;
mod histogram;
mod interval;
mod intervals;
mod ranking;
mod reliability;
mod scored_samples;
mod sum_intervals;
mod sums;

pub use bootstrap::Bootstrap;
pub use comparison::{Comparison, Difference, McNemar, McNemarTest};
pub use confusion::{ClassFigures, Confusion, ConfusionCell};
pub use evaluation::{Approximation, Evaluation};
pub use evaluator::Evaluator;
pub(crate) use interval::quantile;
pub use interval::{Interval, IntervalMethod};
pub use intervals::{ClassIntervals, Intervals};
pub use ranking::TopK;
pub use reliability::ReliabilityBin;
