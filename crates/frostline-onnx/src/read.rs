//! Reading a network's structure out of a file. Numbers of fields are those of `onnx.proto`.

mod attribute;
mod survey;
mod value_info;
mod weight;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use self::survey::survey;
use super::external;
use super::files::Open;
use super::graph::{Graph, Model, Node};
use super::wire::{Fault, Field, Span, Value, Wire};
use crate::error::{Error, FileProblem, Format, NetworkProblem, Result, Wanted};
use crate::sniff::{self, Kind};

/// How deep graphs may lie in each other.
const DEEPEST: usize = 16;
/// Fields of one file, all messages together; the largest networks have some hundred thousand.
const MOST_PARTS: usize = 1 << 21;
/// Nodes, weights and notes on tensors, all graphs together; the largest networks have some ten thousand.
const MOST_ENTRIES: usize = 1 << 18;
/// Integers in up to so many bytes are shapes; longer lists are weights, and of no interest.
const LONGEST_SHAPE: u64 = 1 << 10;
/// Texts of up to so many bytes are choices, as of a padding; longer ones are of no interest.
const LONGEST_CHOICE: u64 = 64;

/// Reads all of a network but its weights.
///
/// # Errors
/// Those of [`read_structure`]; [`Error::Network`] where weights in files beside it overlap.
pub(super) fn read_model(path: &Path, open: Open) -> Result<Model> {
    let model = read_structure(path, open)?;
    external::check(&model)?;
    Ok(model)
}

/// Reads all of a network but its weights; where those lie is not looked at.
///
/// # Errors
/// [`Error::Io`]; [`Error::File`] where it is no network, saying what it is instead, or is cut or damaged.
pub(super) fn read_structure(path: &Path, open: Open) -> Result<Model> {
    let (file, start) = opened(path, open).map_err(Error::io(path))?;
    let kind = sniff::kind(&start);
    if !matches!(kind, Kind::Onnx | Kind::Unknown) {
        return Err(foreign(path, kind.words()));
    }
    let read = Reader::of(file).and_then(|mut reader| reader.model(path, open));
    match read {
        Ok(model) => complete(model),
        Err(Fault::Io(error)) => Err(Error::io(path)(error)),
        Err(Fault::CompiledEngine) => Err(NetworkProblem::CompiledEngine.at(path)),
        Err(_) if !looks_like_a_model(&start) => Err(foreign(path, NO_GRAPH)),
        Err(Fault::Cut) => Err(cut(path, "in the middle of a field")),
        Err(Fault::Damaged(problem)) => {
            Err(problem_of(path, FileProblem::Damaged(problem.to_owned())))
        }
    }
}

/// A file and its first bytes.
fn opened(path: &Path, open: Open) -> io::Result<(File, Vec<u8>)> {
    let mut file = open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(sniff::START).read_to_end(&mut start)?;
    file.rewind()?;
    Ok((file, start))
}

const NO_GRAPH: &str = "it holds no ONNX graph";

/// Refuses a file that lacks what no network is without. The operators' versions stand last.
fn complete(model: Model) -> Result<Model> {
    let path = &model.path;
    if model.ir_version <= 0 || model.graph.nodes.is_empty() {
        Err(foreign(path, NO_GRAPH))
    } else if model.opsets.is_empty() {
        Err(cut(path, "before the operators' version"))
    } else {
        Ok(model)
    }
}

/// Writers of ONNX put the format version first: field 1, a small number.
fn looks_like_a_model(start: &[u8]) -> bool {
    matches!(start, [0x08, 1..=127, ..])
}

fn foreign(path: &Path, found: &str) -> Error {
    let problem = FileProblem::Foreign {
        wanted: Wanted::Network,
        found: found.to_owned(),
    };
    problem_of(path, problem)
}

fn cut(path: &Path, place: &str) -> Error {
    let length = path.metadata().map_or(0, |about| about.len());
    problem_of(
        path,
        FileProblem::Cut(format!("it ends after {length} bytes, {place}")),
    )
}

fn problem_of(path: &Path, problem: FileProblem) -> Error {
    Error::File {
        path: path.to_owned(),
        format: Format::Network,
        problem,
    }
}

struct Reader {
    wire: Wire,
    parts: usize,
    entries: usize,
}

impl Reader {
    fn of(file: File) -> Result<Self, Fault> {
        Ok(Self {
            wire: Wire::of(file)?,
            parts: 0,
            entries: 0,
        })
    }

    fn model(&mut self, path: &Path, open: Open) -> Result<Model, Fault> {
        let external_data = survey(&mut self.wire)?;
        let (mut ir_version, mut kept, mut graph) = (0, Vec::new(), None);
        let (mut opsets, mut has_functions) = (Vec::new(), false);
        let mut rest = self.wire.all();
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => ir_version = number(&field)? as i64,
                7 if graph.is_some() => return Err(Fault::Damaged("it has two graphs")),
                7 => graph = Some(self.graph(span(&field)?, 0)?),
                8 => opsets.push(self.opset(span(&field)?)?),
                25 => has_functions = true,
                _ => {}
            }
            if matches!(field.number, 2..=5 | 8 | 25) {
                kept.push(field.whole);
            }
        }
        Ok(Model {
            path: path.to_owned(),
            open,
            ir_version,
            opsets,
            has_functions,
            external_data,
            kept,
            graph: graph.unwrap_or_default(),
        })
    }

    fn opset(&mut self, mut rest: Span) -> Result<(String, i64), Fault> {
        let (mut domain, mut version) = (String::new(), 0);
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => domain = self.text(&field)?,
                2 => version = number(&field)? as i64,
                _ => {}
            }
        }
        Ok((domain, version))
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
            self.count_entry(field.number)?;
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
                5 => self.attribute(&field, depth, &mut node)?,
                7 => node.domain = self.text(&field)?,
                8 => node.overload = self.text(&field)?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// Counts a field of a graph that becomes something in memory.
    fn count_entry(&mut self, field: u64) -> Result<(), Fault> {
        self.entries += usize::from(matches!(field, 1 | 5 | 11..=13 | 15));
        if self.entries > MOST_ENTRIES {
            return Err(Fault::Damaged("it has more nodes than any network"));
        }
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
