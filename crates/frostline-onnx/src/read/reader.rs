//! Walks over the fields of a network's file, within limits. The fields that are kept are read by the other
//! modules in this folder; all others are checked and skipped here.
//!
//! After a file was read, it is certain that no field extends beyond the message that contains it, that no
//! nesting can overflow the stack, and that the files of all tensors are known, so that a checksum covers
//! everything the network computes with.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use crate::wire::{Fault, Field, Span, Value, Wire};

/// The maximum nesting depth of messages.
const DEEPEST: usize = 64;
/// The maximum number of fields in a file, over all messages; the largest networks have hundreds of
/// thousands.
const MOST_PARTS: usize = 1 << 21;
/// The maximum number of nodes, weights and declared tensors, over all graphs; the largest networks have tens
/// of thousands.
const MOST_ENTRIES: usize = 1 << 18;
/// Lists of integers of up to this many bytes are shapes; longer ones are weights, and are not needed.
pub(super) const LONGEST_SHAPE: u64 = 1 << 10;

const OTHER_TYPE: &str = "a field does not have the type that ONNX defines";

/// The messages of `onnx.proto` that contain other messages or something to check.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    /// Where the bytes of a tensor are.
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
    /// A message that is only walked over.
    Plain,
}

impl Message {
    /// Returns the kind of message in a field.
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

/// The rest of a message, and its nesting depth.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    span: Span,
    depth: usize,
}

impl Rest {
    /// Returns its position in the file.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Returns the message in a field of this one.
    pub(super) fn inside(&self, field: &Field) -> Result<Self, Fault> {
        if self.depth == DEEPEST {
            return Err(Fault::Damaged("graphs or types are nested too deeply"));
        }
        Ok(Self {
            span: span(field)?,
            depth: self.depth + 1,
        })
    }
}

/// A file being walked over.
pub(super) struct Reader {
    pub(super) wire: Wire,
    parts: usize,
    entries: usize,
    /// The external files that tensors name. A tensor counts even if it gives a location without declaring
    /// its data external.
    pub(super) files: BTreeSet<String>,
}

impl Reader {
    pub(super) fn of(file: File) -> io::Result<Self> {
        Ok(Self {
            wire: Wire::of(file)?,
            parts: 0,
            entries: 0,
            files: BTreeSet::new(),
        })
    }

    /// Returns the whole file as a message.
    pub(super) fn all(&self) -> Rest {
        let span = self.wire.all();
        Rest { span, depth: 0 }
    }

    /// Returns the next field; refuses a file with too many fields before it fills the memory.
    pub(super) fn next(&mut self, rest: &mut Rest) -> Result<Option<Field>, Fault> {
        let field = self.wire.field(&mut rest.span)?;
        self.parts += usize::from(field.is_some());
        if self.parts > MOST_PARTS {
            return Err(Fault::Damaged("it has more fields than any real network"));
        }
        Ok(field)
    }

    /// Counts an entry of a graph that is kept in memory.
    pub(super) fn count_entry(&mut self) -> Result<(), Fault> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(Fault::Damaged("it has more nodes than any real network"));
        }
        Ok(())
    }

    /// Skips a field of the message `holder` and checks everything in it.
    pub(super) fn pass(
        &mut self,
        holder: Message,
        field: &Field,
        rest: &Rest,
    ) -> Result<(), Fault> {
        match holder.inner(field.number) {
            Some(message) if matches!(field.value, Value::Span(_)) => {
                self.pass_all(message, rest.inside(field)?)
            }
            _ => Ok(()),
        }
    }

    fn pass_all(&mut self, message: Message, mut rest: Rest) -> Result<(), Fault> {
        if let Message::ExternalData = message {
            return self.external_data(rest).map(drop);
        }
        while let Some(field) = self.next(&mut rest)? {
            match (message, field.number) {
                (Message::Node, 4) => drop(self.operator(&field)?),
                _ => self.pass(message, &field, &rest)?,
            }
        }
        Ok(())
    }

    /// Reads an entry about the position of a tensor's bytes: its key and value.
    pub(super) fn external_data(&mut self, mut rest: Rest) -> Result<(String, String), Fault> {
        let (mut key, mut value) = (String::new(), String::new());
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => key = self.text(&field)?,
                2 => value = self.text(&field)?,
                _ => {}
            }
        }
        if key == "location" {
            self.files.insert(value.clone());
        }
        Ok((key, value))
    }

    /// Reads a node's operator. Compiled engines are refused: they are GPU code in a file that no tensor
    /// names.
    pub(super) fn operator(&mut self, field: &Field) -> Result<String, Fault> {
        let operator = self.text(field)?;
        if operator == "EPContext" {
            return Err(Fault::CompiledEngine);
        }
        Ok(operator)
    }

    pub(super) fn text(&mut self, field: &Field) -> Result<String, Fault> {
        self.wire.text(&span(field)?)
    }

    /// Reads the integers of a repeated field, packed or not; long lists are skipped.
    pub(super) fn numbers(&mut self, field: &Field, numbers: &mut Vec<i64>) -> Result<(), Fault> {
        match &field.value {
            Value::Number(number) => numbers.push(number.cast_signed()),
            Value::Span(span) if span.end - span.start <= LONGEST_SHAPE => {
                let packed = self.wire.packed(span)?;
                numbers.extend(packed.into_iter().map(u64::cast_signed));
            }
            Value::Span(_) => {}
            Value::Fixed(_) => return Err(Fault::Damaged(OTHER_TYPE)),
        }
        Ok(())
    }

    /// Reads the floats of a repeated field, packed or not.
    pub(super) fn floats(&mut self, field: &Field, floats: &mut Vec<f32>) -> Result<(), Fault> {
        let Value::Span(span) = &field.value else {
            floats.push(self.float(field)?);
            return Ok(());
        };
        let bytes = self.wire.bytes(span)?;
        let (values, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(Fault::Damaged(OTHER_TYPE));
        }
        floats.extend(values.iter().copied().map(f32::from_le_bytes));
        Ok(())
    }

    /// Reads a number of four bytes.
    pub(super) fn float(&mut self, field: &Field) -> Result<f32, Fault> {
        if field.value != Value::Fixed(4) {
            return Err(Fault::Damaged(OTHER_TYPE));
        }
        let bytes = self.wire.bytes(&(field.whole.end - 4..field.whole.end))?;
        let four = bytes.first_chunk().ok_or(Fault::Cut)?;
        Ok(f32::from_le_bytes(*four))
    }
}

/// Returns the value of an integer field.
pub(super) fn number(field: &Field) -> Result<u64, Fault> {
    match field.value {
        Value::Number(number) => Ok(number),
        Value::Fixed(_) | Value::Span(_) => Err(Fault::Damaged(OTHER_TYPE)),
    }
}

/// Returns the position of a field's text, bytes or message.
pub(super) fn span(field: &Field) -> Result<Span, Fault> {
    match &field.value {
        Value::Span(span) => Ok(span.clone()),
        Value::Fixed(_) | Value::Number(_) => Err(Fault::Damaged(OTHER_TYPE)),
    }
}
