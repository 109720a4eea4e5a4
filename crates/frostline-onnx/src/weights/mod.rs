//! Reads tensors from `PyTorch`'s files, without `PyTorch`: nothing in a file is executed.
//!
//! Supports both formats of `torch.save` (the zip archive, and the older sequence of pickles followed by raw
//! storages) and safetensors. The format is detected from the content, not from the name. Objects that are
//! not tensors are stepped over.

mod archive;
mod assemble;
mod checkpoint;
mod dtype;
mod fault;
mod layout;
mod legacy;
mod names;
mod pickle;
mod safetensors_file;
mod state_dict;

use std::io::{Read, Seek};
use std::path::Path;

use crate::error::Result;

pub use self::checkpoint::Checkpoint;
#[cfg(test)]
use self::checkpoint::read;
pub(crate) use self::layout::Layout;
pub(crate) use self::names::{Group, join};
pub use self::state_dict::{StateDict, Tensor};

/// Reads the floating-point tensors of the outermost dictionary that has any, as they are named in the file.
/// Half, bfloat16 and double are converted to `f32`.
///
/// [`Architecture::find`](crate::architectures::Architecture::find) finds the weights of a network in a
/// checkpoint.
///
/// # Errors
/// Those of [`Checkpoint::open`].
pub fn read_state_dict(source: impl Read + Seek, path: &Path) -> Result<StateDict> {
    Checkpoint::open(source, path)?.first()
}

#[cfg(test)]
pub(crate) mod tests;
