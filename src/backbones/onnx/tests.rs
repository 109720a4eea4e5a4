//! Cutting, from a file to a file.

mod cutting;
mod hostile;
mod layers;
mod types;
