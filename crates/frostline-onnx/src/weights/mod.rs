//! Tensors out of `PyTorch`'s files, without `PyTorch`: nothing in a file is executed.
//!
//! Both of `torch.save`'s formats are read, the zip archive and the older row of pickles with raw storages
//! behind, and safetensors. Which one it is, is told from the content, not from the name.

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

/// Reads the floating-point tensors of a state dict out of `source`, the whole of a `.pth` or `.safetensors`
/// file; `path` is what errors call it.
///
/// Half, bfloat16 and double become `f32`. Integer and boolean tensors (`num_batches_tracked`, masks) and
/// values that are no tensors are left out: they are counters, not weights. A checkpoint that holds the state
/// dict under `state_dict`, `model_state_dict` or `model` is understood, and a prefix common to all names, as
/// `module.`, is dropped.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io); [`Error::File`](crate::Error::File) where the file is something else, is
/// cut or damaged, or asks for anything but tensors.
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
