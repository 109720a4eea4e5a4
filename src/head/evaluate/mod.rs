//! How good predictions are: the metrics of scikit-learn, with its answers for edge cases.

mod bootstrap;
mod check;
mod comparison;
mod confusion;
mod evaluation;
mod intervals;
mod judgement;
mod mcnemar;
mod ranking;
mod reliability;

pub use bootstrap::{Bootstrap, Interval, IntervalMethod};
pub use comparison::{Comparison, Difference};
pub use confusion::{ClassFigures, Confusion, ConfusionCell};
pub use evaluation::Evaluation;
pub use intervals::{ClassIntervals, Intervals};
pub use mcnemar::{McNemar, McNemarTest};
pub use ranking::TopK;
pub use reliability::ReliabilityBin;
