//! Results of tasks as one object for each command: what the program prints as JSON, and what the Python
//! module returns.
//!
//! `docs/schemas` has a schema for each of them, which describes every field.

mod compact;
mod evaluate;
mod export;
mod extract;
mod features;
mod fit_head;
mod merge;
mod parts;
mod status;

pub use compact::CompactedStore;
pub use evaluate::EvaluationJson;
pub use export::ExportJson;
pub use extract::Extraction;
pub use features::ShownStore;
pub use fit_head::{FittedHead, fitted_on, trust_warnings};
pub use merge::MergedStore;
pub use status::ShardsStatus;

/// Words a reason or a note for its reader: the program names options where the library names parameters.
pub type Wording = fn(&str) -> String;
