//! Tensors out of `PyTorch`'s files, without `PyTorch`: nothing in a file is executed.
//!
//! Both of `torch.save`'s formats are read, the zip archive and the older row of pickles with raw storages behind, and
//! safetensors. Which one it is, is told from the content, not from the name.

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

/// Reads the floating-point tensors of a state dict out of `source`, the whole of a `.pth` or `.safetensors` file; `path`
/// is what errors call it.
///
/// Half, bfloat16 and double become `f32`. Integer and boolean tensors (`num_batches_tracked`, masks) and values that
/// are no tensors are left out: they are counters, not weights. A checkpoint that holds the state dict under
/// `state_dict`, `model_state_dict` or `model` is understood, and a prefix common to all names, as `module.`, is dropped.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io); [`Error::File`](crate::Error::File) where the file is something else, is cut or damaged, or asks for anything but tensors.
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
mod damage;

#[cfg(test)]
mod sample;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::sample::{archive, dict, floats, legacy, tensor};
    use super::*;

    fn state() -> Vec<u8> {
        dict(&[
            (
                "conv.weight",
                tensor("0", "FloatStorage", 4, 0, &[2, 2], &[2, 1]),
            ),
            (
                "conv.turned",
                tensor("0", "FloatStorage", 4, 0, &[2, 2], &[1, 2]),
            ),
            (
                "bn.num_batches_tracked",
                tensor("1", "LongStorage", 1, 0, &[], &[]),
            ),
        ])
    }

    fn storages() -> Vec<(&'static str, i64, Vec<u8>)> {
        vec![
            ("0", 4, floats(&[1.0, 2.0, 3.0, 4.0])),
            ("1", 1, 7_i64.to_le_bytes().to_vec()),
        ]
    }

    fn check(tensors: &[(String, Tensor)]) {
        let found: Vec<_> = tensors
            .iter()
            .map(|(n, t)| (n.as_str(), t.shape.clone(), t.data.clone()))
            .collect();
        let expected = [
            ("conv.weight", vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]),
            // Columns before rows.
            ("conv.turned", vec![2, 2], vec![1.0, 3.0, 2.0, 4.0]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn both_formats_hold_the_same() {
        check(&read(Cursor::new(legacy(&state(), &storages()))).unwrap());
        check(&read(Cursor::new(archive(&state(), &storages(), "little"))).unwrap());
    }

    #[test]
    fn a_file_is_read_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.bin");
        std::fs::write(&path, legacy(&state(), &storages())).unwrap();
        let weights = read_state_dict(std::fs::File::open(&path).unwrap(), &path).unwrap();
        assert_eq!(weights.path(), path);
        assert_eq!(
            weights.get("conv.weight").unwrap().data,
            [1.0, 2.0, 3.0, 4.0]
        );
    }

    #[test]
    fn foreign_files_are_named() {
        let message = |bytes: &[u8]| match read(Cursor::new(bytes)) {
            Err(fault) => fault.at(Path::new("w.pth")).to_string(),
            Ok(_) => panic!("these are no weights"),
        };
        assert_eq!(
            message(b""),
            "`w.pth` is not a file of PyTorch's weights: it is empty"
        );
        assert!(message(b"<!DOCTYPE html><html>").contains("web page"));
        assert!(
            message(b"version https://git-lfs.github.com/spec/v1\n").contains("Git LFS pointer")
        );
    }
}
