//! Evaluates predictions with the metrics of scikit-learn, edge cases included.

mod bootstrap;
mod comparison;
mod confusion;
mod evaluation;
mod evaluator;
mod intervals;
mod ranking;
mod reliability;
mod scored_samples;
mod sums;

pub(crate) use bootstrap::quantile;
pub use bootstrap::{Bootstrap, Interval, IntervalMethod};
pub use comparison::{Comparison, Difference, McNemar, McNemarTest};
pub use confusion::{ClassFigures, Confusion, ConfusionCell};
pub use evaluation::{Approximation, Evaluation};
pub use evaluator::Evaluator;
pub use intervals::{ClassIntervals, Intervals};
pub use ranking::TopK;
pub use reliability::ReliabilityBin;
