//! Reading the attributes of a node.

use super::super::graph::{Attribute, Node, NodeAttribute};
use super::super::proto::kind;
use super::super::wire::{Fault, Field, Span, Value};
use super::{LONGEST_CHOICE, LONGEST_SHAPE, OTHER_TYPE, Reader, captured, number, span};

impl Reader {
    /// An attribute is what it says it is, and has one value: everything else is for ONNX Runtime to judge.
    pub(super) fn attribute(
        &mut self,
        field: &Field,
        depth: usize,
        node: &mut Node,
    ) -> Result<(), Fault> {
        let mut rest = span(field)?;
        let (mut name, mut said, mut values) = (String::new(), 0, Vec::new());
        let (mut ints, mut has_graph) = (None, false);
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => name = self.text(&field)?,
                20 => said = number(&field)?,
                2 => values.push((kind::FLOAT, Attribute::Float(self.float(&field)?))),
                3 => values.push((kind::INT, Attribute::Int(number(&field)? as i64))),
                4 => values.push((kind::STRING, self.choice(&span(&field)?)?)),
                5 => {
                    let weight = self.weight(span(&field)?)?;
                    values.push((kind::TENSOR, Attribute::Tensor(weight)));
                }
                6 | 11 => {
                    let graph = self.graph(span(&field)?, depth + 1)?;
                    node.captured.extend(captured(graph));
                    has_graph = true;
                }
                8 if !is_long(&field) => self.numbers(&field, ints.get_or_insert_default())?,
                // What it says of itself.
                13 => {}
                _ => values.push((0, Attribute::Other)),
            }
        }
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
}

fn is_long(field: &Field) -> bool {
    matches!(&field.value, Value::Span(span) if span.end - span.start > LONGEST_SHAPE)
}
