//! What an ONNX file says of itself, read without its weights.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::iter;
use std::path::{Component, Path, PathBuf};

use rten_onnx::onnx::{OperatorSetIdProto, StringStringEntryProto, TypeProto, ValueInfoProto};
use rten_onnx::protobuf::{
    DecodeMessage, ErrorKind, Fields, OwnedValues, ProtobufError, ReadValue,
};

use super::sniff::{self, Kind};
use crate::error::{Error, FileProblem, Result};

/// The outline of an ONNX file: versions, inputs, outputs, nodes and files of external data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The version of the file format.
    pub ir_version: i64,
    /// The version of the standard operators.
    pub opset: i64,
    /// Inputs that are no weights, with their types.
    pub inputs: Vec<(String, String)>,
    /// Outputs, with their types.
    pub outputs: Vec<(String, String)>,
    /// Operator and first output of each node, in order.
    pub nodes: Vec<(String, String)>,
    /// Number of weights.
    pub initializers: usize,
    /// Files beside the model that hold weights, as the model names them.
    pub external_data: Vec<String>,
}

impl Outline {
    /// Reads an outline; weights are skipped over, not read.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] where it is no ONNX file, saying what it is instead, or is cut.
    pub fn read(path: &Path) -> Result<Self> {
        let mut start = Vec::new();
        let file = File::open(path).map_err(Error::io("read", path))?;
        (&file)
            .take(sniff::START)
            .read_to_end(&mut start)
            .map_err(Error::io("read", path))?;
        let problem = |problem| {
            Error::File {
            path: path.to_owned(),
            problem,
            hint: "give an .onnx file; weights (.pth) are turned into one by `frostline models import`".to_owned(),
        }
        };
        let kind = sniff::kind(&start);
        if !matches!(kind, Kind::Onnx | Kind::Unknown) {
            return Err(problem(FileProblem::Foreign {
                wanted: "an ONNX network",
                found: kind.words().to_owned(),
            }));
        }
        let file = File::open(path).map_err(Error::io("read", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let mut source = Source {
            file: BufReader::new(file),
            position: 0,
            length,
        };
        match Self::decode(&mut source) {
            // The operators' version stands after the graph, and no file may be without it.
            Ok(outline)
                if outline.ir_version > 0 && outline.opset > 0 && !outline.nodes.is_empty() =>
            {
                Ok(outline)
            }
            Ok(outline) if outline.ir_version > 0 && !outline.nodes.is_empty() => {
                Err(problem(FileProblem::Cut(format!(
                    "it ends after {length} bytes, before the operators' version"
                ))))
            }
            Err(e) if matches!(e.kind(), ErrorKind::Eof) && looks_like_a_model(&start) => {
                Err(problem(FileProblem::Cut(format!(
                    "it ends after {length} bytes, in the middle of a field"
                ))))
            }
            _ => {
                let found = "it holds no ONNX graph".to_owned();
                Err(problem(FileProblem::Foreign {
                    wanted: "an ONNX network",
                    found,
                }))
            }
        }
    }

    /// The files of a model at `path`: itself, and those of external data, each beside it.
    ///
    /// # Errors
    /// [`Error::Network`] naming a file that is missing, or that the model looks for outside of its own folder.
    pub fn files(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let external = self.external_data.iter();
        iter::once(Ok(path.to_owned()))
            .chain(external.map(|name| external_file(path, name)))
            .collect()
    }
}

/// A file of external data of a model, beside it.
pub(super) fn external_file(model: &Path, name: &str) -> Result<PathBuf> {
    let folder = model.parent().unwrap_or(Path::new(""));
    let bad = |problem| Error::Network {
        path: model.to_owned(),
        problem,
        hint: "copy the network together with its files of weights".to_owned(),
    };
    let leaves = Path::new(name)
        .components()
        .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    if leaves {
        return Err(bad(format!(
            "its weights lie outside of its folder, in `{name}`"
        )));
    }
    let file = folder.join(name);
    if file.is_file() {
        Ok(file)
    } else {
        Err(bad(format!(
            "its weights are missing: there is no `{}`",
            file.display()
        )))
    }
}

/// Writers of ONNX put the format version first: field 1, a small number.
fn looks_like_a_model(start: &[u8]) -> bool {
    matches!(start, [0x08, 1..=127, ..])
}

/// `ModelProto`, as far as an outline needs it. The numbers are those of onnx.proto.
impl DecodeMessage for Outline {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(
        mut fields: Fields<R>,
    ) -> Result<Self, ProtobufError> {
        let mut outline = Self::default();
        while let Some(mut field) = fields.next()? {
            match field.number() {
                1 => outline.ir_version = field.get_int64()?,
                7 => outline.add_graph(Graph::decode_field(&mut field)?),
                8 => outline.add_opset(&OperatorSetIdProto::decode_field(&mut field)?),
                _ => field.skip()?,
            }
        }
        Ok(outline)
    }
}

impl Outline {
    fn add_opset(&mut self, id: &OperatorSetIdProto) {
        if id.domain.as_deref().is_none_or(str::is_empty) {
            self.opset = id.version.unwrap_or_default();
        }
    }

    fn add_graph(&mut self, graph: Graph) {
        let weights: HashSet<_> = graph
            .weights
            .iter()
            .map(|weight| weight.name.as_str())
            .collect();
        let typed =
            |info: &ValueInfoProto| (name_of(info).to_owned(), type_text(info.r#type.as_ref()));
        self.inputs = graph
            .inputs
            .iter()
            .filter(|info| !weights.contains(name_of(info)))
            .map(typed)
            .collect();
        self.outputs = graph.outputs.iter().map(typed).collect();
        self.initializers = graph.weights.len();
        self.nodes = graph.nodes;
        self.external_data = graph
            .weights
            .into_iter()
            .filter_map(|weight| weight.location)
            .collect();
        self.external_data.sort();
        self.external_data.dedup();
    }
}

/// `GraphProto`.
#[derive(Default)]
struct Graph {
    nodes: Vec<(String, String)>,
    weights: Vec<Weight>,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
}

impl DecodeMessage for Graph {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(
        mut fields: Fields<R>,
    ) -> Result<Self, ProtobufError> {
        let mut graph = Self::default();
        while let Some(mut field) = fields.next()? {
            match field.number() {
                1 => graph.nodes.push(Node::decode_field(&mut field)?.0),
                5 => graph.weights.push(Weight::decode_field(&mut field)?),
                11 => graph.inputs.push(ValueInfoProto::decode_field(&mut field)?),
                12 => graph
                    .outputs
                    .push(ValueInfoProto::decode_field(&mut field)?),
                _ => field.skip()?,
            }
        }
        Ok(graph)
    }
}

/// `NodeProto`: operator and first output.
#[derive(Default)]
struct Node((String, String));

impl DecodeMessage for Node {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(
        mut fields: Fields<R>,
    ) -> Result<Self, ProtobufError> {
        let mut node = (String::new(), None);
        while let Some(mut field) = fields.next()? {
            match field.number() {
                2 if node.1.is_none() => node.1 = Some(field.read_string()?),
                4 => node.0 = field.read_string()?,
                _ => field.skip()?,
            }
        }
        Ok(Self((node.0, node.1.unwrap_or_default())))
    }
}

/// `TensorProto`: its name, and the file that holds its data if that is not this one.
#[derive(Default)]
struct Weight {
    name: String,
    location: Option<String>,
}

impl DecodeMessage for Weight {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(
        mut fields: Fields<R>,
    ) -> Result<Self, ProtobufError> {
        let mut weight = Self::default();
        while let Some(mut field) = fields.next()? {
            match field.number() {
                8 => weight.name = field.read_string()?,
                13 => {
                    let entry = StringStringEntryProto::decode_field(&mut field)?;
                    if entry.key.as_deref() == Some("location") {
                        weight.location = entry.value;
                    }
                }
                _ => field.skip()?,
            }
        }
        Ok(weight)
    }
}

fn name_of(info: &ValueInfoProto) -> &str {
    info.name.as_deref().unwrap_or_default()
}

/// A type as people write it: `FLOAT [N, 3, 224, 224]`.
fn type_text(value_type: Option<&TypeProto>) -> String {
    let Some(tensor) = value_type.and_then(|t| t.tensor_type.as_ref()) else {
        return "not a tensor".to_owned();
    };
    let element = tensor
        .elem_type
        .map_or_else(String::new, |element| element.to_string());
    let Some(shape) = &tensor.shape else {
        return element;
    };
    let dims = shape
        .dim
        .iter()
        .map(|dim| match (&dim.dim_param, dim.dim_value) {
            (Some(name), _) if !name.is_empty() => name.clone(),
            (_, Some(size)) => size.to_string(),
            _ => "?".to_owned(),
        });
    format!("{element} [{}]", dims.collect::<Vec<_>>().join(", "))
}

/// Reads a file and knows its length, so that a length field that lies cannot ask for memory.
struct Source {
    file: BufReader<File>,
    position: u64,
    length: u64,
}

impl Source {
    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], ProtobufError> {
        if self.position + N as u64 > self.length {
            return Err(ProtobufError::new(ErrorKind::Eof));
        }
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.position += N as u64;
        Ok(bytes)
    }
}

impl ReadValue for &mut Source {
    type Types = OwnedValues;

    fn read_i32(&mut self) -> Result<i32, ProtobufError> {
        Ok(i32::from_le_bytes(self.exactly()?))
    }

    fn read_i64(&mut self) -> Result<i64, ProtobufError> {
        Ok(i64::from_le_bytes(self.exactly()?))
    }

    fn read_varint(&mut self) -> Result<u64, ProtobufError> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let [byte] = self.exactly()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte & 0x80 == 0 || shift > 63 {
                // No length, version or dimension is this big; what adds it to a position must not overflow.
                return Ok(value.min(u64::MAX / 4));
            }
        }
    }

    fn read_bytes(&mut self, len: usize) -> Result<Vec<u8>, ProtobufError> {
        if self.position.saturating_add(len as u64) > self.length {
            return Err(ProtobufError::new(ErrorKind::Eof));
        }
        let mut bytes = vec![0; len];
        self.file.read_exact(&mut bytes)?;
        self.position += len as u64;
        Ok(bytes)
    }

    fn read_string(&mut self, len: usize) -> Result<String, ProtobufError> {
        let bytes = self.read_bytes(len)?;
        String::from_utf8(bytes).map_err(|_| ProtobufError::new(ErrorKind::InvalidUtf8))
    }

    fn skip(&mut self, len: usize) -> Result<(), ProtobufError> {
        self.position = self.position.saturating_add(len as u64);
        if self.position <= self.length {
            self.file.seek_relative(
                i64::try_from(len).map_err(|_| ProtobufError::new(ErrorKind::Eof))?,
            )?;
            return Ok(());
        }
        Err(ProtobufError::new(ErrorKind::Eof))
    }

    fn position(&self) -> u64 {
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Outline> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.onnx");
        std::fs::write(&path, bytes).unwrap();
        Outline::read(&path)
    }

    /// `ModelProto { ir_version: 8, graph { node { output: "y", op_type: "Relu" } }, opset_import { version: 13 } }`.
    const TINY: &[u8] = &[
        0x08, 8, 0x3a, 11, 0x0a, 9, 0x12, 1, b'y', 0x22, 4, b'R', b'e', b'l', b'u', 0x42, 2, 0x10,
        13,
    ];

    #[test]
    fn a_tiny_network() {
        let outline = read(TINY).unwrap();
        assert_eq!((outline.ir_version, outline.opset), (8, 13));
        assert_eq!(outline.nodes, [("Relu".to_owned(), "y".to_owned())]);
    }

    #[test]
    fn cut_and_foreign_files_are_told_apart() {
        let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert!(
            message(&TINY[..9]).contains("cut off"),
            "{}",
            message(&TINY[..9])
        );
        assert!(message(b"").contains("empty"));
        assert!(message(b"version https://git-lfs.github.com/spec/v1\n").contains("LFS"));
        assert!(message(b"<!DOCTYPE html>").contains("web page"));
        assert!(message(b"hello, this is some text").contains("not an ONNX network"));
    }

    #[test]
    fn lying_lengths_ask_for_no_memory() {
        for start in 0..TINY.len() {
            let mut bytes = TINY.to_vec();
            bytes.splice(start..=start, [0xff; 9].into_iter().chain([0x01]));
            let _ = read(&bytes);
        }
    }
}
