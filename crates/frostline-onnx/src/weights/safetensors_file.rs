//! The safetensors format: a JSON header that lists the tensors, then their values.
//!
//! # Format
//! The length of the header as `u64`, the header, and all values without gaps, little-endian. The crate
//! checks that shapes, types and offsets agree and that no two tensors overlap; this module checks that the
//! file is as long as the header says. Source: the format's description in the `safetensors` repository.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use safetensors::tensor::{Dtype as Kind, Metadata, TensorInfo};

use super::dtype::Dtype;
use super::fault::Fault;
use super::layout::{Layout, Storage};
use super::names::Group;

/// The size of the header's length in bytes.
const PREFIX: u64 = 8;
/// The longest header that the crate reads.
const LONGEST_LIST: u64 = 100_000_000;

/// Opens a file of `length` bytes, and finds its tensors.
pub(super) fn open<R: Read + Seek>(
    mut source: R,
    length: u64,
) -> Result<(Vec<Group>, Flat<R>), Fault> {
    let list = read_list(&mut source, length)?;
    let begin = PREFIX + list.len() as u64;
    let list: Metadata = serde_json::from_slice(&list)
        .map_err(|error| Fault::damaged(format!("its header is invalid: {error}")))?;
    let end = begin.saturating_add(list.data_len() as u64);
    check_length(length, end)?;
    if length > end {
        return Err(Fault::damaged(format!(
            "its tensors end at byte {end}, but the file has {length} bytes"
        )));
    }
    let (mut tensors, mut places) = (Vec::new(), HashMap::new());
    for name in list.offset_keys() {
        let info = list.info(&name).expect("the name is from this header");
        if let Some(dtype) = float(&name, info.dtype)? {
            let layout = layout(&name, info, dtype)?;
            tensors.push((name.as_str().into(), Rc::new(layout)));
            places.insert(name, begin + info.data_offsets.0 as u64);
        }
    }
    if tensors.is_empty() {
        return Err(Fault::refused("it contains no floating-point tensors"));
    }
    let place = String::new();
    Ok((vec![Group { place, tensors }], Flat { source, places }))
}

/// An open file, and where each tensor starts.
pub(super) struct Flat<R> {
    source: R,
    places: HashMap<String, u64>,
}

impl<R: Read + Seek> Flat<R> {
    /// Reads the bytes of a tensor, whose storage has its name.
    pub(super) fn storage(&mut self, storage: &Storage) -> Result<Vec<u8>, Fault> {
        self.source
            .seek(SeekFrom::Start(self.places[&storage.key]))?;
        // The tensor is in the file, whose length was compared with the header.
        let mut bytes = vec![0; storage.size];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn read_list(source: &mut impl Read, length: u64) -> Result<Vec<u8>, Fault> {
    let mut prefix = [0; PREFIX as usize];
    source.read_exact(&mut prefix)?;
    let wanted = u64::from_le_bytes(prefix);
    if wanted > LONGEST_LIST {
        return Err(Fault::damaged(format!(
            "its header would be {wanted} bytes long"
        )));
    }
    check_length(length, PREFIX + wanted)?;
    let mut list = Vec::new();
    source.take(wanted).read_to_end(&mut list)?;
    Ok(list)
}

fn check_length(length: u64, wanted: u64) -> Result<(), Fault> {
    if length < wanted {
        return Err(Fault::Cut(format!("it has {length} of {wanted} bytes")));
    }
    Ok(())
}

/// Returns the type of floating-point values; `None` for integers, which are counters, not weights.
fn float(name: &str, kind: Kind) -> Result<Option<Dtype>, Fault> {
    Ok(Some(match kind {
        Kind::F32 => Dtype::Float,
        Kind::F16 => Dtype::Half,
        Kind::BF16 => Dtype::BFloat16,
        Kind::F64 => Dtype::Double,
        Kind::BOOL
        | Kind::U8
        | Kind::I8
        | Kind::U16
        | Kind::I16
        | Kind::U32
        | Kind::I32
        | Kind::U64
        | Kind::I64 => return Ok(None),
        other => {
            return Err(Fault::refused(format!(
                "its tensor `{name:.80}` has the type {other}, which is not supported"
            )));
        }
    }))
}

/// Describes a tensor, whose elements are in order.
fn layout(name: &str, info: &TensorInfo, dtype: Dtype) -> Result<Layout, Fault> {
    let (start, end) = info.data_offsets;
    let storage = Storage::new(name, dtype, (end - start) / dtype.size())?;
    let mut strides = vec![0; info.shape.len()];
    if storage.len > 0 {
        // The product of all sizes is the number of elements, so that none of these overflows.
        let mut step = 1;
        for (stride, size) in strides.iter_mut().zip(&info.shape).rev() {
            *stride = step;
            step *= size;
        }
    }
    Layout::new(Rc::new(storage), 0, info.shape.clone(), strides)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::weights::tests::sample::{floats, safetensors};
    use crate::weights::{Tensor, read};

    fn load(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, Fault> {
        read(Cursor::new(bytes))
    }

    fn damage(bytes: &[u8]) -> String {
        match load(bytes) {
            Err(Fault::Damaged(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_type_of_float_and_no_integers() {
        let bytes = safetensors(&[
            ("b", "F16", &[1], vec![0, 0x3e]),
            ("a", "F32", &[2, 1], floats(&[0.5, -2.0])),
            ("n", "I64", &[], 7_i64.to_le_bytes().to_vec()),
            ("c", "BF16", &[1], vec![0xc0, 0x3f]),
            ("d", "F64", &[], 1.5_f64.to_le_bytes().to_vec()),
        ]);
        let tensors = load(&bytes).unwrap();
        let tensor = |shape: &[usize], data: &[f32]| Tensor {
            shape: shape.to_vec(),
            data: data.to_vec(),
        };
        let expected = [
            ("b", tensor(&[1], &[1.5])),
            ("a", tensor(&[2, 1], &[0.5, -2.0])),
            ("c", tensor(&[1], &[1.5])),
            ("d", tensor(&[], &[1.5])),
        ];
        assert_eq!(tensors, expected.map(|(name, t)| (name.to_owned(), t)));
    }

    #[test]
    fn the_wrong_length() {
        let mut bytes = safetensors(&[("a", "F32", &[2], floats(&[0.5, -2.0]))]);
        let whole = bytes.len();
        bytes.push(0);
        let longer = format!("at byte {whole}, but the file has {} bytes", whole + 1);
        assert!(damage(&bytes).contains(&longer));
        bytes.truncate(whole - 1);
        let shorter = format!("it has {} of {whole} bytes", whole - 1);
        assert!(matches!(load(&bytes), Err(Fault::Cut(what)) if what == shorter));
        bytes[..8].copy_from_slice(&(1_u64 << 47).to_le_bytes());
        assert!(damage(&bytes).contains("its header would be"));
    }

    #[test]
    fn lists_that_lie() {
        let list = |text: &str, data: usize| {
            let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
            bytes.extend(text.as_bytes());
            bytes.resize(bytes.len() + data, 0);
            bytes
        };
        let one = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
        let twice = format!(r#"{{"a":{one},"b":{one}}}"#);
        for (text, data) in [
            // Two tensors over the same bytes, a gap, a shape that needs more bytes, a shape that overflows,
            // invalid JSON.
            (&*twice, 4),
            (
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
                8,
            ),
            (
                r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
                4,
            ),
            (
                r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
                4,
            ),
            ("{", 0),
        ] {
            assert!(
                damage(&list(text, data)).contains("its header is invalid"),
                "{text}"
            );
        }
        let eights = safetensors(&[("a", "F8_E4M3", &[1], vec![0])]);
        assert!(
            matches!(load(&eights), Err(Fault::Foreign { found, .. }) if found.contains("F8_E4M3"))
        );
        assert!(load(&list("{}", 0)).is_err());
    }
}
