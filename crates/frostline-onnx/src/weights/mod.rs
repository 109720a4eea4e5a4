//! Reads tensors from `PyTorch`'s files, without `PyTorch`: nothing in a file is executed.
//!
//! Supports both formats of `torch.save` (the zip archive, and the older sequence of pickles followed by raw
//! storages) and safetensors. The format is detected from the content, not from the name.

mod archive;
mod assemble;
mod dtype;
mod fault;
mod layout;
mod legacy;
mod names;
mod pickle;
mod safetensors_file;
mod state_dict;

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use self::fault::Fault;
use crate::error::Result;
use crate::sniff::{self, Kind};

pub use self::state_dict::{StateDict, Tensor};

/// Reads the floating-point tensors of a state dict from `source`, a complete `.pth` or `.safetensors` file;
/// errors name it `path`.
///
/// Half, bfloat16 and double are converted to `f32`. Integer and boolean tensors (`num_batches_tracked`,
/// masks) and values that are not tensors are skipped: they are counters, not weights. The state dict may be
/// in a checkpoint under `state_dict`, `model_state_dict` or `model`. A prefix common to all names, such as
/// `module.`, is dropped.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io); [`Error::File`](crate::Error::File) if the file is something else, is cut
/// off or damaged, or asks for anything but tensors to be built.
pub fn read_state_dict(source: impl Read + Seek, path: &Path) -> Result<StateDict> {
    let tensors = read(source).map_err(|fault| fault.at(path))?;
    Ok(StateDict::new(path, tensors))
}

fn read(mut source: impl Read + Seek) -> Result<Vec<(String, Tensor)>, Fault> {
    let length = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let mut start = Vec::new();
    source.by_ref().take(sniff::START).read_to_end(&mut start)?;
    source.rewind()?;
    match sniff::kind(&start) {
        Kind::Pickle => legacy::read(source, length),
        Kind::Zip => archive::read(source, length),
        Kind::Safetensors => safetensors_file::read(source, length),
        other => Err(Fault::foreign(other.words())),
    }
}

#[cfg(test)]
mod tests;
