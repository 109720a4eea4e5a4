//! Seeds for weights: PyTorch's zip archives and older files, and safetensors.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::Seed;

pub(super) fn pth() -> Vec<Seed> {
    let zip = include_bytes!("../../../tests/golden/zip.pth");
    let legacy = include_bytes!("../../../tests/golden/legacy.pth");
    let timm = include_bytes!("../../../tests/golden/checkpoints/timm.pth.tar");
    let moco = include_bytes!("../../../tests/golden/checkpoints/moco.pth.tar");
    vec![
        Seed::accepted("a checkpoint with a moving average", *timm),
        Seed::accepted("a checkpoint with two encoders", *moco),
        Seed::accepted(
            "foreign objects beside a tensor",
            archive(&dict(&[
                (b"X\x01\0\0\0w", &tensor(b"J\x02\0\0\0")),
                (b"X\x01\0\0\0a", b"cargparse\nNamespace\n)\x81}b"),
                (b"X\x01\0\0\0s", b"\x8f(K\x01\x90C\x01\xff0"),
            ])),
        ),
        Seed::accepted("as written by torch.save", *zip),
        Seed::accepted("as written before version 1.6", *legacy),
        Seed::accepted(
            "one tensor",
            archive(&dict(&[(b"X\x01\0\0\0w", &tensor(b"J\x02\0\0\0"))])),
        ),
        Seed::refused(
            "a call of os.system",
            archive(b"cos\nsystem\n(X\x04\0\0\0truetR"),
        ),
        Seed::refused(
            "a tensor larger than its storage",
            archive(&dict(&[(b"X\x01\0\0\0w", &tensor(b"J\xff\xff\xff\x7f"))])),
        ),
        Seed::refused(
            "deeply nested lists",
            archive(&[b"(".repeat(500_000), b"t".repeat(500_000)].concat()),
        ),
        Seed::unharmed(
            "a name of one megabyte used 20,000 times",
            archive(&reused_name()),
        ),
        Seed::unharmed("a storage that expands to 64 MiB", packed()),
    ]
}

/// Returns the opcodes of a dictionary.
fn dict(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let entries: Vec<u8> = entries
        .iter()
        .flat_map(|(key, value)| [*key, value].concat())
        .collect();
    [b"}(", &entries[..], b"u"].concat()
}

/// Returns the opcodes of `_rebuild_tensor_v2` for a one-dimensional tensor on a storage of two floats.
fn tensor(length: &[u8]) -> Vec<u8> {
    let storage = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n\
        X\x01\0\0\x000X\x03\0\0\0cpuJ\x02\0\0\0tQJ\0\0\0\0(";
    let rest = b"t(J\x01\0\0\0t\x89ccollections\nOrderedDict\n)RtR";
    [&storage[..], length, rest].concat()
}

fn reused_name() -> Vec<u8> {
    let name = [
        b"X\0\0\x10\0".to_vec(),
        vec![b'a'; 1 << 20],
        b"q\0".to_vec(),
    ]
    .concat();
    let value = [tensor(b"J\x02\0\0\0"), b"q\x01".to_vec()].concat();
    let uses = b"h\0h\x01".repeat(20_000);
    dict(&[(&name, &value), (&uses, b"")])
}

fn archive(state: &[u8]) -> Vec<u8> {
    let pickle = [b"\x80\x02", state, b"."].concat();
    zipped(&pickle, &[0; 8], CompressionMethod::Stored)
}

fn packed() -> Vec<u8> {
    let state = dict(&[(b"X\x01\0\0\0w", &tensor(b"J\x02\0\0\0"))]);
    let pickle = [b"\x80\x02", &state[..], b"."].concat();
    zipped(&pickle, &vec![0; 64 << 20], CompressionMethod::Deflated)
}

fn zipped(pickle: &[u8], storage: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("w/data.pkl", pickle),
        ("w/byteorder", b"little"),
        ("w/data/0", storage),
    ] {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(name, options)
            .expect("memory can be written to");
        zip.write_all(bytes).expect("memory can be written to");
    }
    zip.finish().expect("memory can be written to").into_inner()
}

pub(super) fn safetensors() -> Vec<Seed> {
    let one = |dtype: &str, shape: &str, end: usize| {
        file(
            &format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#),
            end,
        )
    };
    let two = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    let both = r#"{"__metadata__":{"format":"pt"},
        "a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
        "a.bias":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}}"#;
    vec![
        Seed::accepted("a layer", file(both, 20)),
        Seed::accepted("16-bit values", one("F16", "[3]", 6)),
        Seed::accepted("64-bit values", one("F64", "[1,2]", 16)),
        Seed::refused("tensors that overlap", file(two, 12)),
        Seed::refused(
            "a tensor larger than the file",
            one("F32", "[4294967296,4294967296]", 8),
        ),
        Seed::refused(
            "a header of 2⁶⁴ - 1 bytes",
            [&[0xff; 8], &b"{}"[..]].concat(),
        ),
        Seed::refused("deeply nested lists", file(&"[".repeat(100_000), 0)),
        Seed::unharmed(
            "a tensor without values",
            one("F32", "[0,9223372036854775807]", 0),
        ),
    ]
}

fn file(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), &vec![0; data]].concat()
}
