//! Small weights files for tests, assembled by hand from the descriptions of the formats.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Returns the opcodes of a tensor:
/// `_rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict())`.
pub(crate) fn tensor(
    key: &str,
    class: &str,
    len: u32,
    offset: u32,
    shape: &[u32],
    strides: &[u32],
) -> Vec<u8> {
    let storage = [
        b"(".to_vec(),
        text("storage"),
        global("torch", class),
        text(key),
        text("cpu"),
        int(len),
        b"tQ".to_vec(),
    ];
    let call = [
        global("torch._utils", "_rebuild_tensor_v2"),
        b"(".to_vec(),
        storage.concat(),
        int(offset),
        tuple(shape),
        tuple(strides),
        b"\x89".to_vec(),
        ordered_dict(),
        b"tR".to_vec(),
    ];
    call.concat()
}

/// Returns the opcodes of an ordered dictionary with its `_metadata`.
pub(crate) fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> = entries
        .iter()
        .flat_map(|(name, value)| [text(name), value.clone()].concat())
        .collect();
    let metadata = [
        b"}".to_vec(),
        text("_metadata"),
        ordered_dict(),
        b"sb".to_vec(),
    ]
    .concat();
    [
        ordered_dict(),
        b"(".to_vec(),
        entries,
        b"u".to_vec(),
        metadata,
    ]
    .concat()
}

/// Returns a complete pickle.
pub(crate) fn pickled(body: &[u8]) -> Vec<u8> {
    [b"\x80\x02", body, b"."].concat()
}

/// Returns a file of the older format; storages are key, number of elements, bytes.
pub(crate) fn legacy(state: &[u8], storages: &[(&str, i64, Vec<u8>)]) -> Vec<u8> {
    let keys = [
        b"](".to_vec(),
        storages.iter().flat_map(|(key, ..)| text(key)).collect(),
        b"e".to_vec(),
    ]
    .concat();
    let mut file = [
        pickled(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"),
        pickled(b"M\xe9\x03"),
        pickled(b"}"),
        pickled(state),
        pickled(&keys),
    ]
    .concat();
    for (_, count, bytes) in storages {
        file.extend(count.to_le_bytes());
        file.extend(bytes);
    }
    file
}

/// Returns a file of the newer format.
pub(crate) fn archive(
    state: &[u8],
    storages: &[(&str, i64, Vec<u8>)],
    byte_order: &str,
) -> Vec<u8> {
    let mut files = vec![
        ("w/data.pkl".to_owned(), pickled(state), false),
        ("w/byteorder".to_owned(), byte_order.into(), false),
    ];
    files.extend(
        storages
            .iter()
            .map(|(key, _, bytes)| (format!("w/data/{key}"), bytes.clone(), false)),
    );
    let files: Vec<_> = files
        .iter()
        .map(|(name, bytes, packed)| (name.as_str(), bytes.clone(), *packed))
        .collect();
    zipped(&files)
}

/// Returns a safetensors file; tensors are name, type, shape, bytes.
pub(crate) fn safetensors(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let mut list = Vec::new();
    let mut data = Vec::new();
    for (name, dtype, shape, bytes) in tensors {
        let (begin, end) = (data.len(), data.len() + bytes.len());
        list.push(format!(
            r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
        ));
        data.extend(bytes);
    }
    let list = format!("{{{}}}", list.join(","));
    let length = (list.len() as u64).to_le_bytes();
    [&length, list.as_bytes(), &data].concat()
}

/// Returns a zip archive of files: name, bytes, whether compressed.
pub(crate) fn zipped(files: &[(&str, Vec<u8>, bool)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes, packed) in files {
        let method = if *packed {
            CompressionMethod::Deflated
        } else {
            CompressionMethod::Stored
        };
        zip.start_file(
            *name,
            SimpleFileOptions::default().compression_method(method),
        )
        .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Returns the bytes of a storage.
pub(crate) fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn text(text: &str) -> Vec<u8> {
    [
        b"X".as_slice(),
        &u32::try_from(text.len()).unwrap().to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

fn int(number: u32) -> Vec<u8> {
    [b"J".as_slice(), &number.to_le_bytes()].concat()
}

fn tuple(numbers: &[u32]) -> Vec<u8> {
    [
        b"(".to_vec(),
        numbers.iter().flat_map(|&number| int(number)).collect(),
        b"t".to_vec(),
    ]
    .concat()
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

fn ordered_dict() -> Vec<u8> {
    [global("collections", "OrderedDict"), b")R".to_vec()].concat()
}

/// A random number generator with the same numbers in every run: `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end as u64) as usize
    }

    /// Returns the bytes with one to four places changed, duplicated, removed or cut off.
    pub(crate) fn damage(&mut self, whole: &[u8]) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1)).min(bytes.len());
            let end = (at + 1 + self.below(8)).min(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => bytes.extend_from_within(at..end),
                3 => bytes[at..end].fill(0xff),
                4 => bytes[at..end].fill(0),
                _ => bytes[at..end]
                    .iter_mut()
                    .take(1)
                    .for_each(|byte| *byte = self.below(256) as u8),
            }
        }
        bytes
    }
}
