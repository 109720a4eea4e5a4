//! Headings of options that several commands share. Options without a heading are the most used ones of their
//! command; they are listed first, under `Options`.

pub(super) const INPUT: &str = "Input";
pub(super) const LABELS: &str = "Labels";
pub(super) const PREDICTIONS: &str = "Predictions";
pub(super) const STATISTICS: &str = "Statistics";
pub(super) const VERIFICATION: &str = "Verification";
pub(super) const NETWORK: &str = "Running the network";
pub(super) const DECODING: &str = "Decoding";
pub(super) const PREPROCESSING: &str = "Preprocessing [defaults: the backbone's manifest]";
