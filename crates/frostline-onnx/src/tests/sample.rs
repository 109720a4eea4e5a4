//! Small networks for tests of cutting.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rten_onnx::onnx::{
    DataType, Dimension, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use rten_onnx::protobuf::ValueReader;

use super::messages;
use crate::error::{Error, NetworkProblem};
use crate::{Cut, CutFiles, Network, WriteError};

pub(crate) use super::messages::{
    info, node, numbers, weight, with_float, with_graph, with_int, with_ints,
};

/// Returns a network like those of the Model Zoo, with a batch of 1.
pub(crate) fn zoo() -> ModelProto {
    messages::zoo(1)
}

/// Opens a regular file, as callers of this crate do.
/// Returns the path of a network that an exporter wrote (`scripts/reference_networks.py`).
pub(crate) fn exported(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/exports");
    root.join(name).with_extension("onnx")
}

pub(crate) fn open(path: &Path) -> io::Result<File> {
    let kind = path.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    } else if !kind.is_file() {
        return Err(io::Error::other("it is a named pipe, not a regular file"));
    }
    File::open(path)
}

/// Returns a network whose outputs have five classes for one image.
pub(crate) fn model(
    ir_version: i64,
    opset: i64,
    node: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    input: Vec<ValueInfoProto>,
    outputs: &[&str],
) -> ModelProto {
    let output = |name: &&str| info(name, DataType::FLOAT, &[1, 5]);
    let outputs = outputs.iter().map(output).collect();
    messages::model(ir_version, opset, node, initializer, input, outputs)
}

/// Returns a checksum of bytes that must not change (FNV-1a).
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A folder with a network in it.
pub(crate) struct Written {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) use super::messages::bytes as bytes_of;

pub(crate) fn written(model: &ModelProto) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.onnx");
    std::fs::write(&path, bytes_of(model)).unwrap();
    Written { folder, path }
}

/// Passes the network cut at `layer` to `use_it`.
pub(crate) fn cut_with<T>(
    model: &ModelProto,
    layer: &str,
    use_it: impl FnOnce(crate::Result<Cut<'_>>) -> T,
) -> T {
    let written = written(model);
    let network = Network::read(&written.path, open).unwrap();
    use_it(network.cut(&layer.into()))
}

/// Writes a cut to `path`; the second file, if there is one, is named `NAME.onnx.data`.
pub(crate) fn write(cut: &Cut, path: &Path) -> crate::Result<Option<PathBuf>> {
    write_files(&cut.files(&data_name(path))?, path)
}

/// Writes a cut like `write`, with two files if one would have more than `longest` bytes.
pub(crate) fn write_within(cut: &Cut, path: &Path, longest: u64) -> crate::Result<Option<PathBuf>> {
    write_files(&cut.files_within(&data_name(path), longest)?, path)
}

fn data_name(path: &Path) -> String {
    format!("{}.data", path.file_name().unwrap().to_str().unwrap())
}

fn write_files(files: &CutFiles, path: &Path) -> crate::Result<Option<PathBuf>> {
    let data = path.with_file_name(data_name(path));
    for (spliced, path) in [(Some(&files.model), path), (files.data.as_ref(), &data)] {
        let Some(spliced) = spliced else { continue };
        match spliced.write_to(&mut File::create(path).unwrap()) {
            Err(WriteError::Read(error)) => return Err(error),
            written => written.unwrap(),
        }
    }
    Ok(files.data.as_ref().map(|_| data))
}

/// Returns the network cut at `layer`, written and read again.
pub(crate) fn cut(model: &ModelProto, layer: &str) -> ModelProto {
    cut_with(model, layer, |cut| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.onnx");
        assert_eq!(write(&cut.unwrap(), &path).unwrap(), None);
        parse(&std::fs::read(path).unwrap())
    })
}

/// Returns the error of cutting a network at `layer`, with the candidates.
pub(crate) fn refusal(model: &ModelProto, layer: &str) -> String {
    cut_with(model, layer, |cut| {
        let error = cut.unwrap_err();
        let candidates = match &error {
            Error::Network {
                problem:
                    NetworkProblem::UncertainLayer { candidates, .. }
                    | NetworkProblem::ConstantLayer { candidates, .. },
                ..
            } => &candidates[..],
            _ => &[],
        };
        let candidates: Vec<String> = candidates.iter().map(ToString::to_string).collect();
        format!("{error}; {}", candidates.join(", "))
    })
}

pub(crate) fn parse(bytes: &[u8]) -> ModelProto {
    use rten_onnx::protobuf::DecodeMessage;
    ModelProto::decode(ValueReader::from_buf(bytes)).unwrap()
}

/// Returns the operators of a network, with their inputs and outputs.
pub(crate) fn nodes_of(graph: &GraphProto) -> Vec<String> {
    let text = |node: &NodeProto| {
        let operator = node.op_type.as_deref().unwrap();
        let [inputs, outputs] = [&node.input, &node.output].map(|names| names.join(" "));
        format!("{operator} {inputs} -> {outputs}")
    };
    graph.node.iter().map(text).collect()
}

pub(crate) fn names_of(tensors: &[TensorProto]) -> Vec<&str> {
    tensors
        .iter()
        .map(|tensor| tensor.name.as_deref().unwrap())
        .collect()
}

pub(crate) fn dims_of(info: &ValueInfoProto) -> Vec<String> {
    let tensor = info.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    let shape = tensor.shape.as_ref().unwrap();
    let dim = |dim: &Dimension| match (&dim.dim_param, dim.dim_value) {
        (Some(name), None) => name.clone(),
        (None, Some(length)) => length.to_string(),
        _ => "?".to_owned(),
    };
    shape.dim.iter().map(dim).collect()
}
