//! The parameters of a fit, with their checks.

mod builder;
mod choices;
mod class_table;
mod values;

pub use builder::{FitParams, FitValidParams};
pub use choices::{ClassWeight, Schedule, Solver};
pub(crate) use class_table::parse as parse_class_weights;
pub use class_table::read_class_weights;
pub use values::FitValues;
pub(crate) use values::shortest;
