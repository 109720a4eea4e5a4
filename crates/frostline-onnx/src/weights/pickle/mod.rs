//! Reads pickles of tensors and nothing else: nothing is imported, and nothing is called.

mod global;
mod input;
mod machine;
#[cfg(test)]
mod tests;
mod value;

pub(super) use self::machine::load;
pub(super) use self::value::{Object, Pickle};
