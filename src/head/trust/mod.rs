//! How far to trust a prediction: calibration, rejection, and contradicting metrics.

mod bank;
mod calibration;
mod disagreement;
mod rejection;
mod rejection_fit;
mod temperature;

pub(crate) use bank::BANK_CAPACITY;
pub(crate) use calibration::{CalibrationFit, CalibrationMetrics};
pub use disagreement::{Disagreement, DisagreementFigure};
pub(crate) use rejection::rounded_to_16_bits;
pub use rejection::{Likeness, Method, Rejection, RejectionRule};
pub use rejection_fit::RejectionFit;
pub use temperature::Temperature;
