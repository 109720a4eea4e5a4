//! Writing what is kept of a network: copies of its file's ranges, with new ends and targets. Numbers of fields are those
//! of `onnx.proto`.

use std::io::Write;
use std::path::{Path, PathBuf};

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, Dimension, NodeProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor,
    ValueInfoProto,
};

use super::batch::Mend;
use super::cut::Cut;
use super::graph::{Dim, External, Node, Payload, Weight, WeightKind, element};
use super::input::Element;
use super::splice::{Extent, Failure, Message, Sources};
use super::wire::{Fault, Field, Value, Wire};
use super::write::GRAPH_NAME;
use crate::atomic_file;
use crate::error::{Error, FileProblem, Result};

/// The first version of the file format in which a weight need not be an input: only then may a runtime fold it.
const IR_VERSION: i64 = 4;
/// Readers of protocol buffers refuse messages from 2 GiB; a little is left for what is not weights.
const LONGEST_MODEL: u64 = (1 << 31) - (1 << 20);
/// Weights below this many bytes stay in the model, where a runtime looks for shapes.
const SMALL: u64 = 1 << 10;
/// External weights begin at multiples of this, so that a runtime may map them into memory.
const PAGE: u64 = 4096;

/// Where the numbers of large weights are written to.
#[derive(Debug)]
enum Storage {
    /// Into the model.
    Inside,
    /// Into a file of that name beside it.
    Beside(String),
}

/// The numbers that go into the file beside the model, each with its place there.
type Beside = Vec<(u64, Extent)>;

impl Cut<'_> {
    /// Writes what is kept to `path`, and the weights beside it if they are too long for one file. Returns that second
    /// file, `NAME.onnx.data`. Equal networks become equal bytes.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file; [`Error::File`] or [`Error::Network`] where the network's own files are cut or damaged.
    pub fn write(&self, path: &Path) -> Result<Option<PathBuf>> {
        self.write_within(path, LONGEST_MODEL)
    }

    fn write_within(&self, path: &Path, longest: u64) -> Result<Option<PathBuf>> {
        let (inside, _) = self.model_message(&Storage::Inside)?;
        if inside.len() <= longest {
            self.write_file(path, |sources, out| inside.write(sources, out))?;
            return Ok(None);
        }
        let data = path.with_added_extension("data");
        let name = data.file_name().unwrap_or(data.as_os_str());
        let storage = Storage::Beside(name.to_string_lossy().into_owned());
        let (model, beside) = self.model_message(&storage)?;
        self.write_file(&data, |sources, out| write_beside(&beside, sources, out))?;
        self.write_file(path, |sources, out| model.write(sources, out))?;
        Ok(Some(data))
    }

    fn write_file(
        &self,
        path: &Path,
        content: impl FnOnce(&mut Sources, &mut dyn Write) -> Result<(), Failure>,
    ) -> Result<()> {
        let mut sources = Sources::new(&self.sources);
        atomic_file::write(path, |file| {
            content(&mut sources, file).map_err(|failure| match failure {
                Failure::Read(error) => error,
                Failure::Write(error) => Error::io("write", path)(error),
            })
        })
    }

    fn model_message(&self, storage: &Storage) -> Result<(Message, Beside)> {
        let mut beside = Beside::new();
        let mut model = Message::default();
        model.number(1, self.model.ir_version.max(IR_VERSION).unsigned_abs());
        for span in &self.model.kept {
            model.copy(0, span);
        }
        model.message(7, self.graph_message(storage, &mut beside)?);
        Ok((model, beside))
    }

    fn graph_message(&self, storage: &Storage, beside: &mut Beside) -> Result<Message> {
        let mut graph = Message::default();
        graph.text(2, GRAPH_NAME);
        self.add_nodes(&mut graph)?;
        let weights = self.model.graph.weights.iter().zip(&self.reach.weights);
        for (weight, _) in weights.filter(|(_, kept)| **kept) {
            match weight.kind {
                WeightKind::Dense => graph.message(5, self.weight(weight, storage, beside)?),
                WeightKind::Sparse => graph.message(15, kept_fields(weight)),
            }
        }
        for mend in self.mends_by_weight() {
            graph.encoded(5, &integers(self.target_name(mend), &mend.target));
        }
        graph.encoded(11, &value_info(&self.ends.input, Some(&self.picture.dims)));
        let batch = &self.picture.dims[..1];
        let dims = self.shape.as_ref().map(|rest| [batch, rest].concat());
        graph.encoded(12, &value_info(&self.ends.output, dims.as_deref()));
        Ok(graph)
    }

    fn add_nodes(&self, graph: &mut Message) -> Result<()> {
        if self.picture.element != Element::Float32 {
            let ends = [self.ends.input.as_str(), &self.picture.name];
            graph.encoded(1, &cast(ends, self.picture.element.number()));
        }
        for (i, node) in self.model.graph.nodes.iter().enumerate() {
            let mend = self.freeing.mends.iter().find(|mend| mend.node == i);
            match mend {
                _ if !self.reach.nodes[i] => {}
                Some(mend) => graph.message(1, self.mended_node(node, mend)?),
                None => {
                    let mut as_it_was = Message::default();
                    as_it_was.copy(0, &node.body);
                    graph.message(1, as_it_was);
                }
            }
        }
        if self.ends.output != self.layer {
            graph.encoded(1, &cast([self.layer, &self.ends.output], element::FLOAT));
        }
        Ok(())
    }

    /// The mended nodes whose target is a weight, and not an attribute.
    fn mends_by_weight(&self) -> impl Iterator<Item = &Mend> {
        let nodes = &self.model.graph.nodes;
        let all = self.freeing.mends.iter();
        all.filter(|mend| nodes[mend.node].inputs.len() > 1)
    }

    /// Targets may be shared with nodes that have no batch: each mended node gets one of its own.
    fn target_name(&self, mend: &Mend) -> String {
        format!("frostline.target.{}", mend.node)
    }

    /// A node with another target, everything else as it was.
    fn mended_node(&self, node: &Node, mend: &Mend) -> Result<Message> {
        let mut message = Message::default();
        let by_weight = node.inputs.len() > 1;
        message.text(1, &node.inputs[0]);
        if by_weight {
            message.text(1, &self.target_name(mend));
        }
        let fields = self.fields(node).map_err(|fault| self.damaged(fault))?;
        for (field, is_shape) in fields {
            if field.number != 1 && (by_weight || !is_shape) {
                message.copy(0, &field.whole);
            }
        }
        if !by_weight {
            message.encoded(5, &ints("shape", &mend.target));
        }
        Ok(message)
    }

    /// The fields of a node, and whether each is the attribute `shape`.
    fn fields(&self, node: &Node) -> Result<Vec<(Field, bool)>, Fault> {
        let mut wire = Wire::open(&self.model.path)?;
        let (mut fields, mut rest) = (Vec::new(), node.body.clone());
        while let Some(field) = wire.field(&mut rest)? {
            let mut is_shape = false;
            if let (5, Value::Span(attribute)) = (field.number, &field.value) {
                let mut rest = attribute.clone();
                while let Some(Field { number, value, .. }) = wire.field(&mut rest)? {
                    if let (1, Value::Span(name)) = (number, value) {
                        is_shape = wire.bytes(&name)? == b"shape";
                    }
                }
            }
            fields.push((field, is_shape));
        }
        Ok(fields)
    }

    fn damaged(&self, fault: Fault) -> Error {
        let path = self.model.path.clone();
        match fault {
            Fault::Io(error) => Error::io("read", &path)(error),
            Fault::Damaged(problem) => Error::File {
                path,
                problem: FileProblem::Damaged(problem.to_owned()),
                hint: "the file changed while it was read; try again".to_owned(),
            },
        }
    }

    fn weight(&self, weight: &Weight, storage: &Storage, beside: &mut Beside) -> Result<Message> {
        let mut message = kept_fields(weight);
        let Some(extent) = self.payload(weight)? else {
            return Ok(message);
        };
        match storage {
            Storage::Beside(name) if extent.len() >= SMALL => {
                let end = beside.last().map_or(0, |(at, last)| at + last.len());
                let at = end.next_multiple_of(PAGE);
                let entries = [
                    ("location", name.clone()),
                    ("offset", at.to_string()),
                    ("length", extent.len().to_string()),
                ];
                for (key, value) in entries {
                    let (key, value) = (Some(key.to_owned()), Some(value));
                    message.encoded(13, &StringStringEntryProto { key, value });
                }
                message.number(14, DataLocation::EXTERNAL.0 as u64);
                beside.push((at, extent));
            }
            Storage::Beside(_) | Storage::Inside => message.payload(9, extent),
        }
        Ok(message)
    }

    /// Where a weight's bytes lie, if they are no fields of their own.
    fn payload(&self, weight: &Weight) -> Result<Option<Extent>> {
        match &weight.payload {
            Payload::Fields => Ok(None),
            Payload::Raw(span) => Ok(Some(Extent {
                file: 0,
                span: span.clone(),
            })),
            Payload::External(external) => self.external(weight, external).map(Some),
        }
    }

    fn external(&self, weight: &Weight, external: &External) -> Result<Extent> {
        let folder = self.model.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(&external.location);
        let file = self.sources.iter().position(|source| *source == path);
        let file = file.expect("all files of weights were looked up before");
        let there = path.metadata().map_err(Error::io("read", &path))?.len();
        let fault = |problem| Error::Network {
            path: path.clone(),
            problem,
            hint: "copy the network together with its files of weights".to_owned(),
        };
        let length = external.length.or_else(|| bytes_of(weight));
        let end = length.and_then(|length| external.offset.checked_add(length));
        match end {
            Some(end) if end <= there => {
                let span = external.offset..end;
                Ok(Extent { file, span })
            }
            Some(end) => Err(fault(format!(
                "its weight `{}` ends after {end} bytes, and the file after {there}",
                weight.name
            ))),
            None => Err(fault(format!(
                "the length of its weight `{}` is not known",
                weight.name
            ))),
        }
    }
}

/// How many bytes a weight's numbers take.
fn bytes_of(weight: &Weight) -> Option<u64> {
    let each = match weight.element {
        element::UINT8 => 1,
        element::FLOAT16 | element::BFLOAT16 => 2,
        element::FLOAT | element::INT32 => 4,
        element::INT64 | element::DOUBLE => 8,
        _ => return None,
    };
    weight.len()?.checked_mul(each)
}

fn kept_fields(weight: &Weight) -> Message {
    let mut message = Message::default();
    for span in &weight.kept {
        message.copy(0, span);
    }
    message
}

fn write_beside(
    beside: &Beside,
    sources: &mut Sources,
    mut out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut end = 0;
    for (at, extent) in beside {
        let gap = vec![0; (at - end) as usize];
        out.write_all(&gap).map_err(Failure::Write)?;
        sources.copy(extent, &mut out)?;
        end = at + extent.len();
    }
    Ok(())
}

fn cast([from, to]: [&str; 2], element: i32) -> NodeProto {
    let attribute = AttributeProto {
        name: Some("to".to_owned()),
        i: Some(element.into()),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    };
    NodeProto {
        name: Some(format!("frostline.cast.{to}")),
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        op_type: Some("Cast".to_owned()),
        attribute: vec![attribute],
        ..NodeProto::default()
    }
}

fn integers(name: String, numbers: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![numbers.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: numbers.to_vec(),
        name: Some(name),
        ..TensorProto::default()
    }
}

fn ints(name: &str, numbers: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints: numbers.to_vec(),
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }
}

fn value_info(name: &str, dims: Option<&[Dim]>) -> ValueInfoProto {
    let dimension = |dim: &Dim| match dim {
        Dim::Fixed(length) => Dimension {
            dim_value: i64::try_from(*length).ok(),
            dim_param: None,
        },
        Dim::Free(name) => Dimension {
            dim_value: None,
            dim_param: (!name.is_empty()).then(|| name.clone()),
        },
    };
    let shape = dims.map(|dims| TensorShapeProto {
        dim: dims.iter().map(dimension).collect(),
    });
    let tensor_type = TypeProtoTensor {
        elem_type: Some(DataType::FLOAT),
        shape,
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
            ..TypeProto::default()
        }),
    }
}
