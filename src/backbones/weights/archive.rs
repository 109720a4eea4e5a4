//! `PyTorch`'s format since 1.6: a zip archive.
//!
//! # Format
//! In one folder: `data.pkl`, what was saved; `data/KEY`, the elements of each storage; `byteorder`, `little` (also
//! where it is missing) or `big`. Source: `_save` in `torch/serialization.py`.

use std::io::{self, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::assemble::assemble;
use super::dtype::ByteOrder;
use super::fault::Fault;
use super::names;
use super::pickle;
use super::state_dict::Tensor;

/// How far an archive may unfold: weights hardly shrink, and `PyTorch` does not pack them at all.
const MAX_UNFOLDING: u64 = 16;

/// Reads the tensors of an archive of `length` bytes.
pub(super) fn read(source: impl Read + Seek, length: u64) -> Result<Vec<(String, Tensor)>, Fault> {
    let zip = ZipArchive::new(source).map_err(|error| unopened(error, length))?;
    let folder = folder(&zip)?;
    let mut archive = Archive {
        zip,
        folder,
        length,
        budget: length.saturating_mul(MAX_UNFOLDING),
    };
    let saved = pickle::load(archive.file("data.pkl", None)?.as_slice())?;
    let order = archive.byte_order()?;
    assemble(names::tensors(&saved)?, order, |storage| {
        archive.file(&format!("data/{}", storage.key), Some(storage.size as u64))
    })
}

fn unopened(error: ZipError, length: u64) -> Fault {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Fault::Io(error),
        // A zip's table of contents stands at its end.
        _ => Fault::Cut(format!(
            "it ends after {length} bytes, without the table of contents of a zip archive"
        )),
    }
}

/// The folder that everything is in, with its slash.
fn folder<R: Read + Seek>(zip: &ZipArchive<R>) -> Result<String, Fault> {
    let names = || zip.file_names().filter_map(Result::ok);
    let Some(folder) = names().find_map(|name| name.strip_suffix("data.pkl").map(str::to_owned))
    else {
        let first = names().next().unwrap_or_default().into_owned();
        return Err(Fault::foreign(format!(
            "it is a zip archive without `data.pkl`; it begins with `{first:.80}`"
        )));
    };
    if names().any(|name| name.strip_prefix(&folder) == Some("constants.pkl")) {
        return Err(Fault::refused(
            "it is a program of TorchScript; only tensors are read",
        ));
    }
    Ok(folder)
}

struct Archive<R> {
    zip: ZipArchive<R>,
    folder: String,
    /// Bytes of the whole archive.
    length: u64,
    /// Bytes that may still come out of it.
    budget: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// The content of a file, which has `expected` bytes.
    fn file(&mut self, name: &str, expected: Option<u64>) -> Result<Vec<u8>, Fault> {
        let damaged = |why: String| Fault::damaged(format!("`{name}` in it {why}"));
        let path = format!("{}{name}", self.folder);
        let entry = self
            .zip
            .by_name(&path)
            .map_err(|error| damaged(format!("cannot be read: {error}")))?;
        let size = entry.size();
        if let Some(expected) = expected.filter(|expected| *expected != size) {
            return Err(damaged(format!(
                "has {size} bytes, but its tensors need {expected}"
            )));
        }
        self.budget = self.budget.checked_sub(size).ok_or_else(|| {
            Fault::refused(format!(
                "it unfolds to more than {MAX_UNFOLDING} times its size"
            ))
        })?;
        let mut bytes = Vec::with_capacity(size.min(self.length) as usize);
        // One byte more than there should be: the checksum is only looked at where the end is met.
        entry
            .take(size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(format!("cannot be read: {error}")))?;
        if bytes.len() as u64 == size {
            Ok(bytes)
        } else {
            Err(damaged("ends too early".to_owned()))
        }
    }

    fn byte_order(&mut self) -> Result<ByteOrder, Fault> {
        if self
            .zip
            .index_for_name(&format!("{}byteorder", self.folder))
            .is_none()
        {
            return Ok(ByteOrder::Little);
        }
        match self.file("byteorder", None)?.as_slice() {
            b"little" => Ok(ByteOrder::Little),
            b"big" => Ok(ByteOrder::Big),
            _ => Err(Fault::damaged(
                "`byteorder` in it is neither `little` nor `big`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::sample::{self, archive, dict, floats, tensor, zipped};
    use super::*;

    fn load(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, Fault> {
        read(Cursor::new(bytes), bytes.len() as u64)
    }

    fn state(class: &str) -> Vec<u8> {
        dict(&[("a", tensor("0", class, 2, 0, &[2], &[1]))])
    }

    fn data(bytes: &[u8]) -> Vec<f32> {
        load(bytes).unwrap()[0].1.data.clone()
    }

    #[test]
    fn both_byte_orders() {
        assert_eq!(
            data(&archive(
                &state("FloatStorage"),
                &[("0", 2, floats(&[0.5, -2.0]))],
                "little"
            )),
            [0.5, -2.0]
        );
        // bfloat16 1.0 and -2.0, the high byte first.
        let big = vec![0x3f, 0x80, 0xc0, 0x00];
        assert_eq!(
            data(&archive(&state("BFloat16Storage"), &[("0", 2, big)], "big")),
            [1.0, -2.0]
        );
        assert!(
            load(&archive(
                &state("FloatStorage"),
                &[("0", 2, floats(&[0.5, -2.0]))],
                "middle"
            ))
            .is_err()
        );
    }

    #[test]
    fn packed_files_are_read_but_do_not_unfold_without_end() {
        let pickle = sample::pickled(&state("FloatStorage"));
        let packed = [
            ("w/data.pkl", pickle, true),
            ("w/data/0", floats(&[0.5, -2.0]), true),
        ];
        assert_eq!(data(&zipped(&packed)), [0.5, -2.0]);
        let large = dict(&[("a", tensor("0", "FloatStorage", 1 << 20, 0, &[2], &[1]))]);
        let bomb = [
            ("w/data.pkl", sample::pickled(&large), false),
            ("w/data/0", vec![0; 4 << 20], true),
        ];
        assert!(
            matches!(load(&zipped(&bomb)), Err(Fault::Foreign { found, .. }) if found.contains("unfolds"))
        );
    }

    #[test]
    fn wrong_and_missing_storages() {
        let short = archive(
            &state("FloatStorage"),
            &[("0", 1, floats(&[0.5]))],
            "little",
        );
        assert!(matches!(load(&short), Err(Fault::Damaged(why)) if why.contains("has 4 bytes")));
        let none = archive(&state("FloatStorage"), &[], "little");
        assert!(matches!(load(&none), Err(Fault::Damaged(why)) if why.contains("data/0")));
    }

    #[test]
    fn other_archives() {
        let arrays = zipped(&[("arr_0.npy", vec![1], false)]);
        assert!(
            matches!(load(&arrays), Err(Fault::Foreign { found, .. }) if found.contains("arr_0.npy"))
        );
        let script = zipped(&[
            ("m/data.pkl", vec![1], false),
            ("m/constants.pkl", vec![1], false),
        ]);
        assert!(
            matches!(load(&script), Err(Fault::Foreign { found, .. }) if found.contains("TorchScript"))
        );
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let mut bytes = archive(
            &state("FloatStorage"),
            &[("0", 2, floats(&[0.123, -2.0]))],
            "little",
        );
        let number = 0.123_f32.to_le_bytes();
        let at = bytes
            .windows(4)
            .position(|window| window == number)
            .unwrap();
        bytes[at] ^= 1;
        assert!(matches!(load(&bytes), Err(Fault::Damaged(_))));
    }
}
