//! Walking over every message of a network's file, wherever it lies: in branches, in bodies of functions, in sparse weights.
//!
//! What comes through has no field that is longer than what holds it, no depth that fills a stack, and tensors whose files
//! are all known: readers that trust lengths can be given it, and its checksum covers all that it computes with.

use std::collections::BTreeSet;

use super::super::wire::{Fault, Span, Value, Wire};
use super::MOST_PARTS;

/// How deep messages may lie in each other: graphs as deep as they may be, with all that they hold.
const DEEPEST: usize = 80;

/// A message of `onnx.proto`, as far as there are others in it, or something to know of it.
#[derive(Debug, Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    /// Where the bytes of a tensor lie.
    ExternalData,
    Function,
    Training,
    ValueInfo,
    Type,
    /// The type of a tensor, dense or sparse.
    TensorType,
    /// The type of a sequence, map or optional.
    TypeOf,
    Shape,
    /// A message that is only gone over.
    Plain,
}

impl Message {
    /// The message in a field.
    fn inner(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) | (Self::Training, 1 | 2) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph | Self::Attribute, 5)
            | (Self::Attribute, 10)
            | (Self::SparseTensor, 1 | 2) => Self::Tensor,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::SparseTensor,
            (Self::Graph, 11..=13) | (Self::Function, 12) => Self::ValueInfo,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Attribute, 14 | 15) | (Self::ValueInfo, 2) | (Self::TypeOf, 1 | 2) => Self::Type,
            (Self::Tensor, 13) => Self::ExternalData,
            (Self::Type, 1 | 8) => Self::TensorType,
            (Self::Type, 4 | 5 | 9) => Self::TypeOf,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Model, 8 | 14 | 26)
            | (Self::Graph, 14 | 16)
            | (Self::Node, 9 | 10)
            | (Self::Function, 9 | 14)
            | (Self::Tensor, 3 | 16)
            | (Self::ValueInfo, 4)
            | (Self::Shape, 1) => Self::Plain,
            _ => return None,
        })
    }
}

/// The names of the files beside a network that its tensors name, in order.
///
/// A tensor that says where its bytes lie, and not that they lie there, counts as well.
pub(super) fn survey(wire: &mut Wire) -> Result<Vec<String>, Fault> {
    let whole = wire.all();
    let mut survey = Survey {
        wire,
        parts: 0,
        files: BTreeSet::new(),
    };
    survey.message(Message::Model, whole, 0)?;
    Ok(survey.files.into_iter().collect())
}

struct Survey<'w> {
    wire: &'w mut Wire,
    parts: usize,
    files: BTreeSet<String>,
}

impl Survey<'_> {
    fn message(&mut self, message: Message, mut rest: Span, depth: usize) -> Result<(), Fault> {
        if depth > DEEPEST {
            return Err(Fault::Damaged("graphs lie too deep in each other"));
        }
        let (mut key, mut value) = (String::new(), String::new());
        while let Some(field) = self.wire.field(&mut rest)? {
            self.parts += 1;
            if self.parts > MOST_PARTS {
                return Err(Fault::Damaged("it has more parts than any network"));
            }
            match (message, field.number, field.value) {
                (Message::ExternalData, 1, Value::Span(span)) => key = self.wire.text(&span)?,
                (Message::ExternalData, 2, Value::Span(span)) => value = self.wire.text(&span)?,
                (Message::Node, 4, Value::Span(span)) => self.refuse_engines(&span)?,
                (_, number, Value::Span(span)) => {
                    if let Some(inner) = message.inner(number) {
                        self.message(inner, span, depth + 1)?;
                    }
                }
                _ => {}
            }
        }
        if key == "location" {
            self.files.insert(value);
        }
        Ok(())
    }

    /// A compiled engine lies in a file that no tensor names, and is code for a GPU.
    fn refuse_engines(&mut self, operator: &Span) -> Result<(), Fault> {
        match self.wire.text(operator)?.as_str() {
            "EPContext" => Err(Fault::CompiledEngine),
            _ => Ok(()),
        }
    }
}
