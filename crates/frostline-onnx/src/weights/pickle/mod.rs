//! Reads the tensors in pickles: nothing is imported, and nothing is called. Other objects are opaque.

mod global;
mod input;
mod literals;
mod machine;
#[cfg(test)]
mod tests;
mod value;

pub(super) use self::machine::load;
pub(super) use self::value::{Id, Object, Pickle};
