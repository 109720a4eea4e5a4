//! Reading a network's structure out of a file. Numbers of fields are those of `onnx.proto`.

mod value_info;
mod weight;

use std::collections::HashSet;
use std::path::Path;

use super::external;
use super::graph::{Attribute, Graph, Model, Node};
use super::wire::{Fault, Field, Span, Value, Wire};
use crate::error::{Error, FileProblem, Result};

/// How deep graphs may lie in each other.
const DEEPEST: usize = 16;
/// Fields of one file, all messages together; the largest networks have some hundred thousand.
const MOST_PARTS: usize = 1 << 22;
/// Integers in up to so many bytes are shapes; longer lists are weights, and of no interest.
const LONGEST_SHAPE: u64 = 1 << 10;
/// Texts of up to so many bytes are choices, as of a padding; longer ones are of no interest.
const LONGEST_CHOICE: u64 = 64;

/// Reads all of a network but its weights.
///
/// # Errors
/// [`Error::Io`]; [`Error::File`] where the content is damaged; [`Error::Network`] where weights in files beside it
/// overlap.
pub(super) fn read_model(path: &Path) -> Result<Model> {
    let read = || {
        let wire = Wire::open(path)?;
        let mut reader = Reader { wire, parts: 0 };
        reader.model(path)
    };
    let model = read().map_err(|fault| match fault {
        Fault::Io(error) => Error::io("read", path)(error),
        Fault::Damaged(problem) => Error::File {
            path: path.to_owned(),
            problem: FileProblem::Damaged(problem.to_owned()),
            hint: "fetch or export the network again".to_owned(),
        },
    })?;
    external::check(&model)?;
    Ok(model)
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
        let mut graph = Graph {
            body: rest.clone(),
            ..Graph::default()
        };
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
                7 => node.domain = self.text(&field)?,
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
                2 => value = Attribute::Float(self.float(&field)?),
                4 => value = self.choice(&span(&field)?)?,
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

    fn float(&mut self, field: &Field) -> Result<f32, Fault> {
        if field.value != Value::Fixed(4) {
            return Err(Fault::Damaged(OTHER_TYPE));
        }
        let bytes = self.wire.bytes(&(field.whole.end - 4..field.whole.end))?;
        let mut four = [0; 4];
        four.copy_from_slice(&bytes);
        Ok(f32::from_le_bytes(four))
    }

    fn choice(&mut self, span: &Span) -> Result<Attribute, Fault> {
        if span.end - span.start > LONGEST_CHOICE {
            return Ok(Attribute::Other);
        }
        let bytes = self.wire.bytes(span)?;
        Ok(String::from_utf8(bytes).map_or(Attribute::Other, Attribute::Text))
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
