//! Reading a network's structure out of a file. Numbers of fields are those of `onnx.proto`.

use std::collections::HashSet;
use std::path::Path;

use super::graph::element::{INT32, INT64};
use super::graph::{
    Attribute, Dim, External, Graph, Model, Node, Payload, ValueInfo, Weight, WeightKind,
};
use super::wire::{Fault, Field, Span, Value, Wire};
use crate::error::{Error, FileProblem, Result};

/// How deep graphs may lie in each other.
const DEEPEST: usize = 16;
/// Fields of one file, all messages together; the largest networks have some hundred thousand.
const MOST_PARTS: usize = 1 << 22;
/// Integers in up to so many bytes are shapes; longer lists are weights, and of no interest.
const LONGEST_SHAPE: u64 = 1 << 10;

/// Reads all of a network but its weights.
///
/// # Errors
/// [`Error::Io`]; [`Error::File`] where the content is damaged.
pub(super) fn read_model(path: &Path) -> Result<Model> {
    let read = || {
        let wire = Wire::open(path)?;
        let mut reader = Reader { wire, parts: 0 };
        reader.model(path)
    };
    read().map_err(|fault| match fault {
        Fault::Io(error) => Error::io("read", path)(error),
        Fault::Damaged(problem) => Error::File {
            path: path.to_owned(),
            problem: FileProblem::Damaged(problem.to_owned()),
            hint: "fetch or export the network again".to_owned(),
        },
    })
}

struct Reader {
    wire: Wire,
    parts: usize,
}

impl Reader {
    fn model(&mut self, path: &Path) -> Result<Model, Fault> {
        let (mut ir_version, mut kept, mut graph) = (0, Vec::new(), Graph::default());
        let mut rest = self.wire.all();
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => ir_version = number(&field)? as i64,
                2..=5 | 8 | 25 => kept.push(field.whole),
                7 => graph = self.graph(span(&field)?, 0)?,
                _ => {}
            }
        }
        Ok(Model {
            path: path.to_owned(),
            ir_version,
            kept,
            graph,
        })
    }

    fn graph(&mut self, mut rest: Span, depth: usize) -> Result<Graph, Fault> {
        if depth > DEEPEST {
            return Err(Fault::Damaged("graphs lie too deep in each other"));
        }
        let mut graph = Graph::default();
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => graph.nodes.push(self.node(span(&field)?, depth)?),
                5 => graph.weights.push(self.weight(span(&field)?)?),
                11 => graph.inputs.push(self.value_info(span(&field)?)?),
                12 => graph.outputs.push(self.value_info(span(&field)?)?),
                13 => graph.value_info.push(self.value_info(span(&field)?)?),
                15 => graph.weights.push(self.sparse_weight(&field)?),
                _ => {}
            }
        }
        Ok(graph)
    }

    fn node(&mut self, body: Span, depth: usize) -> Result<Node, Fault> {
        let mut rest = body.clone();
        let mut node = Node {
            body,
            ..Node::default()
        };
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => node.inputs.push(self.text(&field)?),
                2 => node.outputs.push(self.text(&field)?),
                3 => node.name = self.text(&field)?,
                4 => node.operator = self.text(&field)?,
                5 => self.attribute(span(&field)?, depth, &mut node)?,
                _ => {}
            }
        }
        Ok(node)
    }

    fn attribute(&mut self, mut rest: Span, depth: usize, node: &mut Node) -> Result<(), Fault> {
        let (mut name, mut ints, mut value) = (String::new(), Vec::new(), Attribute::Other);
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => name = self.text(&field)?,
                3 => ints.push(number(&field)? as i64),
                8 => self.numbers(&field, &mut ints)?,
                5 => value = Attribute::Tensor(self.weight(span(&field)?)?),
                6 | 11 => {
                    let graph = self.graph(span(&field)?, depth + 1)?;
                    node.captured.extend(captured(graph));
                }
                _ => {}
            }
        }
        if !ints.is_empty() {
            value = Attribute::Ints(ints);
        }
        node.attributes.push((name, value));
        Ok(())
    }

    fn weight(&mut self, mut rest: Span) -> Result<Weight, Fault> {
        let mut weight = Weight::default();
        let (mut typed, mut external) = (Vec::new(), None);
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => self.numbers(&field, &mut weight.dims)?,
                2 => weight.element = number(&field)? as i32,
                5 | 7 => self.numbers(&field, &mut typed)?,
                8 => weight.name = self.text(&field)?,
                9 => weight.payload = Payload::Raw(span(&field)?),
                13 => self.external(span(&field)?, external.get_or_insert_default())?,
                _ => {}
            }
            if !matches!(field.number, 9 | 13 | 14) {
                keep(&mut weight.kept, field.whole);
            }
        }
        if let Some(external) = external {
            weight.payload = Payload::External(external);
        }
        weight.integers = self.integers(&weight, typed)?;
        Ok(weight)
    }

    /// `SparseTensorProto`, whose name is that of its values.
    fn sparse_weight(&mut self, field: &Field) -> Result<Weight, Fault> {
        let body = span(field)?;
        let mut weight = Weight {
            kind: WeightKind::Sparse,
            kept: vec![body.clone()],
            ..Weight::default()
        };
        let mut rest = body;
        while let Some(field) = self.next(&mut rest)? {
            if field.number == 1 {
                weight.name = self.weight(span(&field)?)?.name;
            }
        }
        Ok(weight)
    }

    fn external(&mut self, mut rest: Span, external: &mut External) -> Result<(), Fault> {
        let (mut key, mut value) = (String::new(), String::new());
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => key = self.text(&field)?,
                2 => value = self.text(&field)?,
                _ => {}
            }
        }
        let bytes = || {
            value
                .parse()
                .map_err(|_| Fault::Damaged("the place of a weight is no number"))
        };
        match key.as_str() {
            "offset" => external.offset = bytes()?,
            "length" => external.length = Some(bytes()?),
            "location" => external.location = value,
            _ => {}
        }
        Ok(())
    }

    /// The numbers of a short list of integers.
    fn integers(&mut self, weight: &Weight, typed: Vec<i64>) -> Result<Option<Vec<i64>>, Fault> {
        let size = match weight.element {
            INT32 => 4,
            INT64 => 8,
            _ => return Ok(None),
        };
        let integers = match &weight.payload {
            Payload::Fields => typed,
            Payload::Raw(span) if span.end - span.start <= LONGEST_SHAPE => {
                let bytes = self.wire.bytes(span)?;
                bytes.chunks_exact(size).map(sign_extended).collect()
            }
            Payload::Raw(_) | Payload::External(_) => return Ok(None),
        };
        let all = weight.len() == Some(integers.len() as u64);
        Ok(all.then_some(integers))
    }

    fn value_info(&mut self, mut rest: Span) -> Result<ValueInfo, Fault> {
        let mut info = ValueInfo::default();
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => info.name = self.text(&field)?,
                2 => {
                    let mut rest = span(&field)?;
                    while let Some(field) = self.next(&mut rest)? {
                        if field.number == 1 {
                            self.tensor_type(span(&field)?, &mut info)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(info)
    }

    fn tensor_type(&mut self, mut rest: Span, info: &mut ValueInfo) -> Result<(), Fault> {
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => info.element = Some(number(&field)? as i32),
                2 => {
                    let (mut dims, mut rest) = (Vec::new(), span(&field)?);
                    while let Some(field) = self.next(&mut rest)? {
                        if field.number == 1 {
                            dims.push(self.dim(span(&field)?)?);
                        }
                    }
                    info.dims = Some(dims);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn dim(&mut self, mut rest: Span) -> Result<Dim, Fault> {
        let mut dim = Dim::Free(String::new());
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                // A length of 0 or below is how some exporters write a free one.
                1 => {
                    let length = number(&field)? as i64;
                    if length > 0 {
                        dim = Dim::Fixed(length.unsigned_abs());
                    }
                }
                2 => dim = Dim::Free(self.text(&field)?),
                _ => {}
            }
        }
        Ok(dim)
    }

    /// The next field; a file of ever so many of them is refused before it fills the memory.
    fn next(&mut self, rest: &mut Span) -> Result<Option<Field>, Fault> {
        let field = self.wire.field(rest)?;
        self.parts += usize::from(field.is_some());
        if self.parts > MOST_PARTS {
            return Err(Fault::Damaged("it has more parts than any network"));
        }
        Ok(field)
    }

    fn text(&mut self, field: &Field) -> Result<String, Fault> {
        self.wire.text(&span(field)?)
    }

    /// The integers of a repeated field, whichever way they are written; a long list is gone over.
    fn numbers(&mut self, field: &Field, numbers: &mut Vec<i64>) -> Result<(), Fault> {
        match &field.value {
            Value::Number(number) => numbers.push(*number as i64),
            Value::Span(span) if span.end - span.start <= LONGEST_SHAPE => {
                let packed = self.wire.packed(span)?;
                numbers.extend(packed.into_iter().map(|number| number as i64));
            }
            Value::Span(_) => {}
            Value::Fixed(_) => return Err(Fault::Damaged(OTHER_TYPE)),
        }
        Ok(())
    }
}

const OTHER_TYPE: &str = "a field has another type than ONNX's";

fn number(field: &Field) -> Result<u64, Fault> {
    match field.value {
        Value::Number(number) => Ok(number),
        Value::Fixed(_) | Value::Span(_) => Err(Fault::Damaged(OTHER_TYPE)),
    }
}

fn span(field: &Field) -> Result<Span, Fault> {
    match &field.value {
        Value::Span(span) => Ok(span.clone()),
        Value::Fixed(_) | Value::Number(_) => Err(Fault::Damaged(OTHER_TYPE)),
    }
}

/// A little-endian integer of up to eight bytes.
fn sign_extended(bytes: &[u8]) -> i64 {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = [if negative { 0xff } else { 0 }; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(all)
}

/// Adds a range to others, as one with the last where it follows it.
fn keep(kept: &mut Vec<Span>, span: Span) {
    match kept.last_mut() {
        Some(last) if last.end == span.start => last.end = span.end,
        _ => kept.push(span),
    }
}

/// The names that a graph uses and does not define.
fn captured(graph: Graph) -> Vec<String> {
    let inputs = graph.inputs.into_iter().map(|info| info.name);
    let weights = graph.weights.into_iter().map(|weight| weight.name);
    let mut defined: HashSet<String> = inputs.chain(weights).collect();
    let mut used: Vec<String> = graph.outputs.into_iter().map(|info| info.name).collect();
    for node in graph.nodes {
        defined.extend(node.outputs);
        used.extend(node.inputs.into_iter().chain(node.captured));
    }
    used.retain(|name| !name.is_empty() && !defined.contains(name));
    used
}
