//! Reads a network's graph: nodes with their attributes, inputs and outputs. Field numbers are those of
//! `onnx.proto`.

use std::collections::HashSet;
use std::path::Path;

use super::reader::{LONGEST_SHAPE, Message, Reader, Rest, number, span};
use crate::graph::{Attribute, Dim, Graph, Network, Node, NodeAttribute, ValueInfo};
use crate::proto::kind;
use crate::wire::Open;
use crate::wire::{Fault, Field, Value};

/// Texts of up to this many bytes are choices, such as a padding mode; longer ones are not needed.
const LONGEST_CHOICE: u64 = 64;

impl Reader {
    /// Reads the whole file at `path`.
    pub(super) fn model(&mut self, path: &Path, open: Open) -> Result<Network, Fault> {
        let mut model = Network::new(path, open);
        let mut graph = None;
        let mut rest = self.all();
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => model.ir_version = number(&field)?.cast_signed(),
                7 if graph.is_some() => return Err(Fault::Damaged("it has two graphs")),
                7 => graph = Some(self.graph(rest.inside(&field)?)?),
                8 => model.opsets.push(self.opset(rest.inside(&field)?)?),
                _ => self.pass(Message::Model, &field, &rest)?,
            }
            model.has_functions |= field.number == 25;
            if matches!(field.number, 2..=5 | 8 | 25) {
                model.kept.push((field.number, field.whole));
            }
        }
        model.graph = graph.unwrap_or_default();
        model.external_data = std::mem::take(&mut self.files).into_iter().collect();
        Ok(model)
    }

    fn opset(&mut self, mut rest: Rest) -> Result<(String, i64), Fault> {
        let (mut domain, mut version) = (String::new(), 0);
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => domain = self.text(&field)?,
                2 => version = number(&field)?.cast_signed(),
                _ => {}
            }
        }
        Ok((domain, version))
    }

    fn graph(&mut self, mut rest: Rest) -> Result<Graph, Fault> {
        let mut graph = Graph {
            body: rest.span().clone(),
            ..Graph::default()
        };
        while let Some(field) = self.next(&mut rest)? {
            if !matches!(field.number, 1 | 5 | 11..=13 | 15) {
                self.pass(Message::Graph, &field, &rest)?;
                continue;
            }
            self.count_entry()?;
            let inside = rest.inside(&field)?;
            match field.number {
                1 => graph.nodes.push(self.node(inside)?),
                5 => graph.weights.push(self.weight(inside)?),
                11 => graph.inputs.push(self.value_info(&field, inside)?),
                12 => graph.outputs.push(self.value_info(&field, inside)?),
                13 => graph.value_info.push(self.value_info(&field, inside)?),
                _ => graph.weights.push(self.sparse_weight(inside)?),
            }
        }
        Ok(graph)
    }

    fn node(&mut self, mut rest: Rest) -> Result<Node, Fault> {
        let mut node = Node {
            body: rest.span().clone(),
            ..Node::default()
        };
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => node.inputs.push(self.text(&field)?),
                2 => node.outputs.push(self.text(&field)?),
                3 => node.name = self.text(&field)?,
                4 => node.operator = self.operator(&field)?,
                5 => self.attribute(&field, &rest, &mut node)?,
                7 => node.domain = self.text(&field)?,
                8 => node.overload = self.text(&field)?,
                _ => self.pass(Message::Node, &field, &rest)?,
            }
        }
        Ok(node)
    }

    /// Reads an attribute. Its value is kept if it is a single one of the declared type; everything else is
    /// left to ONNX Runtime.
    fn attribute(&mut self, field: &Field, holder: &Rest, node: &mut Node) -> Result<(), Fault> {
        let mut rest = holder.inside(field)?;
        let (mut name, mut said, mut values) = (String::new(), 0, Vec::new());
        let (mut floats, mut ints, mut has_graph) = (None, None, false);
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => name = self.text(&field)?,
                20 => said = number(&field)?,
                2 => values.push((kind::FLOAT, Attribute::Float(self.float(&field)?))),
                3 => values.push((kind::INT, Attribute::Int(number(&field)?.cast_signed()))),
                4 => values.push((kind::STRING, self.choice(&field)?)),
                5 => {
                    let weight = self.weight(rest.inside(&field)?)?;
                    values.push((kind::TENSOR, Attribute::Tensor(weight)));
                }
                6 | 11 => {
                    let graph = self.graph(rest.inside(&field)?)?;
                    node.captured.extend(captured(graph));
                    has_graph = true;
                }
                7 if !is_long(&field) => self.floats(&field, floats.get_or_insert_default())?,
                8 if !is_long(&field) => self.numbers(&field, ints.get_or_insert_default())?,
                // The `doc_string`.
                13 => {}
                _ => {
                    self.pass(Message::Attribute, &field, &rest)?;
                    values.push((0, Attribute::Other));
                }
            }
        }
        values.extend(floats.map(|floats| (kind::FLOATS, Attribute::Floats(floats))));
        values.extend(ints.map(|ints| (kind::INTS, Attribute::Ints(ints))));
        let value = match (values.pop(), values.is_empty()) {
            _ if has_graph => Attribute::Graph,
            (Some((kind, value)), true) if kind == said => value,
            _ => Attribute::Other,
        };
        let whole = field.whole.clone();
        node.attributes.push(NodeAttribute { whole, name, value });
        Ok(())
    }

    fn choice(&mut self, field: &Field) -> Result<Attribute, Fault> {
        let span = span(field)?;
        if span.end - span.start > LONGEST_CHOICE {
            return Ok(Attribute::Other);
        }
        let bytes = self.wire.bytes(&span)?;
        Ok(String::from_utf8(bytes).map_or(Attribute::Other, Attribute::Text))
    }

    fn value_info(&mut self, field: &Field, mut rest: Rest) -> Result<ValueInfo, Fault> {
        let mut info = ValueInfo {
            whole: field.whole.clone(),
            ..ValueInfo::default()
        };
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => info.name = self.text(&field)?,
                2 => self.value_type(rest.inside(&field)?, &mut info)?,
                _ => self.pass(Message::ValueInfo, &field, &rest)?,
            }
        }
        Ok(info)
    }

    fn value_type(&mut self, mut rest: Rest, info: &mut ValueInfo) -> Result<(), Fault> {
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => self.tensor_type(rest.inside(&field)?, info)?,
                _ => self.pass(Message::Type, &field, &rest)?,
            }
        }
        Ok(())
    }

    fn tensor_type(&mut self, mut rest: Rest, info: &mut ValueInfo) -> Result<(), Fault> {
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => info.element = Some(number(&field)? as i32),
                2 => {
                    let (mut dims, mut rest) = (Vec::new(), rest.inside(&field)?);
                    while let Some(field) = self.next(&mut rest)? {
                        if field.number == 1 {
                            dims.push(self.dim(rest.inside(&field)?)?);
                        }
                    }
                    info.dims = Some(dims);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn dim(&mut self, mut rest: Rest) -> Result<Dim, Fault> {
        let mut dim = Dim::Free(String::new());
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                // Some exporters write a free dimension as a length of 0 or less.
                1 => {
                    let length = number(&field)?.cast_signed();
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
}

fn is_long(field: &Field) -> bool {
    matches!(&field.value, Value::Span(span) if span.end - span.start > LONGEST_SHAPE)
}

/// Returns the names that a graph uses but does not define.
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
