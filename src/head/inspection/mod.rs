//! What is odd about labelled features: labels that are likely wrong, images far from all others, and which to label next.

mod label_errors;
mod outliers;
mod selection;

pub use label_errors::{LabelErrors, Suspect};
pub use outliers::{Distances, OUTLIER_NEIGHBOURS};
pub use selection::{Pick, SelectionParams, select};
