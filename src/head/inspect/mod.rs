//! Finds likely label errors and outliers, and picks the images to label next.

mod label_errors;
mod outliers;
mod selection;

pub use label_errors::{LabelErrors, Suspect};
pub(crate) use outliers::Distances;
pub use selection::{Pick, SelectionParams, select, uncertainty};
