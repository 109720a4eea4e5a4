//! Cutting, from a file to a file.

mod cutting;
mod external;
mod hostile;
mod layers;
mod survey;
mod types;
