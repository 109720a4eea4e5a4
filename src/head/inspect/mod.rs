//! Likely label errors, outliers, and which images to label next.

mod label_errors;
mod outliers;
mod selection;

pub use label_errors::{LabelErrors, Suspect};
pub use outliers::{Distances, OUTLIER_NEIGHBOURS};
pub use selection::{Pick, SelectionParams, select};
