//! Tests of cutting, from file to file, and small networks for the tests of this crate.

mod cutting;
mod external;
mod hostile;
mod layers;
pub(crate) mod messages;
pub(crate) mod sample;
pub(crate) mod state_dicts;
mod survey;
mod types;
