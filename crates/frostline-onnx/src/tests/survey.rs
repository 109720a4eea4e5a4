//! External files, wherever a network names them, and structure that a reader must not trust.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Network;
use crate::tests::sample::open;

/// Returns a field of bytes: its number, their length, and the bytes.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let varint = |mut n: u64| {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    };
    [
        varint(number << 3 | 2),
        varint(bytes.len() as u64),
        bytes.to_vec(),
    ]
    .concat()
}

/// `ModelProto { ir_version: 8, …, opset_import { version: 13 } }`
fn model(fields: &[Vec<u8>]) -> Vec<u8> {
    [&[0x08, 8][..], &fields.concat(), &[0x42, 2, 0x10, 13]].concat()
}

/// `GraphProto` with one node of this operator, whose output is `y`.
fn graph(operator: &str, more: &[u8]) -> Vec<u8> {
    let node = [field(2, b"y"), field(4, operator.as_bytes())].concat();
    [&field(1, &node), more].concat()
}

/// `TensorProto` whose bytes are in `location`.
fn tensor(location: &str) -> Vec<u8> {
    let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
    // `data_location: EXTERNAL`
    [field(13, &entry), vec![0x70, 1]].concat()
}

/// Nests a message in others, given the numbers of the fields that contain it.
fn within(numbers: &[u64], inner: Vec<u8>) -> Vec<u8> {
    numbers
        .iter()
        .rev()
        .fold(inner, |inner, &n| field(n, &inner))
}

fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let network = Network::read(path, open).map_err(|error| error.to_string())?;
    network.files().map_err(|error| error.to_string())
}

/// Field numbers are those of `onnx.proto`.
#[test]
fn tensors_are_found_wherever_they_lie() {
    let in_graph: [&[u64]; 11] = [
        &[5],                   // initializer
        &[15, 1],               // sparse_initializer.values
        &[15, 2],               // sparse_initializer.indices
        &[1, 5, 5],             // node.attribute.t
        &[1, 5, 10],            // node.attribute.tensors
        &[1, 5, 22, 1],         // node.attribute.sparse_tensor.values
        &[1, 5, 23, 2],         // node.attribute.sparse_tensors.indices
        &[1, 5, 6, 5],          // the initializer of a branch
        &[1, 5, 6, 1, 5, 5],    // a constant in a branch
        &[1, 5, 11, 1, 5, 5],   // a constant in one of several branches
        &[1, 5, 6, 1, 5, 6, 5], // a branch in a branch
    ];
    let in_model: [&[u64]; 4] = [
        &[25, 7, 5, 5],    // a constant in a function
        &[25, 11, 5],      // the default of a function's attribute
        &[20, 1, 5],       // training_info.initialization
        &[20, 2, 1, 5, 5], // training_info.algorithm
    ];
    let of_graph = in_graph.map(|numbers| graph("Relu", &within(numbers, tensor("data"))));
    let of_graph = of_graph.map(|graph| model(&[field(7, &graph)]));
    let plain = field(7, &graph("Relu", &[]));
    let of_model = in_model.map(|numbers| model(&[plain.clone(), within(numbers, tensor("data"))]));
    for (i, bytes) in of_graph.into_iter().chain(of_model).enumerate() {
        let (folder, path) = written(&bytes);
        let message = files(&path).unwrap_err();
        assert!(message.contains("missing"), "{i}: {message}");
        let data = folder.path().join("data");
        fs::write(&data, "1234").unwrap();
        assert_eq!(files(&path).unwrap(), [path, data], "{i}");
    }
}

#[cfg(unix)]
/// The rules are those of ONNX Runtime 1.32, except for `..`, which it follows if that leads back into the
/// folder.
#[test]
fn external_data_stays_in_the_folder() {
    use std::os::unix::fs::symlink;
    let (folder, path) = written(b"");
    let inside = |name: &str| folder.path().join(name);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("w"), "1234").unwrap();
    fs::write(inside("w"), "1234").unwrap();
    fs::create_dir(inside("sub")).unwrap();
    fs::write(inside("sub/w"), "1234").unwrap();
    symlink("w", inside("link")).unwrap();
    symlink("sub", inside("down")).unwrap();
    symlink(outside.path().join("w"), inside("out")).unwrap();
    symlink(outside.path(), inside("up")).unwrap();
    symlink("/dev/zero", inside("zero")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(inside("pipe"))
        .status();
    assert!(pipe.unwrap().success());
    fs::create_dir_all(inside("*/_ORT_MEM_ADDR_")).unwrap();
    fs::write(inside("*/_ORT_MEM_ADDR_/*"), "1234").unwrap();
    let found = |location: &str| {
        let weights = field(5, &tensor(location));
        fs::write(&path, model(&[field(7, &graph("Relu", &weights))])).unwrap();
        files(&path)
    };
    for location in ["w", "./w", "sub/w", "link", "down/w"] {
        assert!(found(location).is_ok(), "{location}");
    }
    let absolute = inside("w").display().to_string();
    for (location, wanted) in [
        ("../w", "weights are outside its folder"),
        ("sub/../w", "weights are outside its folder"),
        (&absolute, "weights are outside its folder"),
        ("out", "weights are outside its folder"),
        ("up/w", "weights are outside its folder"),
        ("zero", "weights are outside its folder"),
        ("*/_ORT_MEM_ADDR_/*", "weights are outside its folder"),
        ("nothing", "missing"),
        ("", "is a directory"),
        ("sub", "is a directory"),
        ("pipe", "it is a named pipe, not a regular file"),
    ] {
        let message = found(location).unwrap_err();
        assert!(message.contains(wanted), "{location}: {message}");
    }
}

#[test]
fn compiled_engines_are_refused() {
    let (_folder, path) = written(&model(&[field(7, &graph("EPContext", &[]))]));
    let message = files(&path).unwrap_err();
    assert!(message.contains("`EPContext`"), "{message}");
}

/// A tensor of eight bytes that claims to have 2⁶², 2³¹ or 9.
#[test]
fn lying_lengths_are_refused_before_they_are_believed() {
    for length in [
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40][..],
        &[0x80, 0x80, 0x80, 0x80, 0x08],
        &[9],
    ] {
        let raw = [&[0x4a], length, &[0; 8]].concat();
        let weights = field(5, &raw);
        let (_folder, path) = written(&model(&[field(7, &graph("Relu", &weights))]));
        let message = Network::read(&path, open).unwrap_err().to_string();
        assert!(
            message.contains("cut off")
                || message.contains("longer than the message that contains it"),
            "{message}"
        );
    }
}

/// Sequences of sequences, a hundred deep: a recursive decoder would overflow its stack.
#[test]
fn types_in_each_other_fill_no_stack() {
    let mut kind = Vec::new();
    for i in 0..200_u64 {
        // `TypeProto.sequence_type` and `Sequence.elem_type`, alternating.
        kind = field(if i % 2 == 0 { 4 } else { 1 }, &kind);
    }
    let info = [field(1, b"y"), field(2, &field(4, &kind))].concat();
    let (_folder, path) = written(&model(&[field(7, &graph("Relu", &field(12, &info)))]));
    for message in [
        files(&path).unwrap_err(),
        Network::read(&path, open).unwrap_err().to_string(),
    ] {
        assert!(message.contains("are nested too deeply"), "{message}");
    }
}

/// Each takes two bytes of the file, but hundreds of bytes of memory.
#[test]
fn a_million_empty_nodes_are_refused() {
    let nodes = [0x0a, 0].repeat(1_000_000);
    let (_folder, path) = written(&model(&[field(7, &graph("Relu", &nodes))]));
    let message = files(&path).unwrap_err();
    assert!(
        message.contains("more nodes than any real network"),
        "{message}"
    );
}
