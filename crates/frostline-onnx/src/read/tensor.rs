//! Reads what a weight is, and where its values are.

use super::reader::{LONGEST_SHAPE, Message, Reader, Rest, number, span};
use crate::graph::element::{INT32, INT64};
use crate::graph::{EXTERNAL, External, Payload, Weight, WeightKind};
use crate::wire::{Fault, Field, Span, Value};

/// Where a weight declares its values to be.
#[derive(Default)]
struct Said {
    /// The number of fields with values, of any kind.
    fields: usize,
    /// Whether it is a segment of another tensor.
    is_segment: bool,
    is_elsewhere: bool,
    external: External,
    /// The keys of its external data.
    keys: Vec<String>,
}

impl Said {
    fn count(&mut self, field: u64) {
        self.fields += usize::from(matches!(field, 4..=7 | 9..=11));
        self.is_segment |= field == 3;
    }

    /// Returns whether the values are declared in one place, with known keys only.
    fn is_plain(&self) -> bool {
        let known = |key: &String| ["location", "offset", "length", "checksum"].contains(&&**key);
        let mut keys: Vec<&String> = self.keys.iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let each_once = keys.len() == self.keys.len() && keys.into_iter().all(known);
        let one = if self.is_elsewhere {
            self.fields == 0 && each_once
        } else {
            self.fields <= 1 && self.keys.is_empty()
        };
        one && !self.is_segment
    }
}

impl Reader {
    pub(super) fn weight(&mut self, mut rest: Rest) -> Result<Weight, Fault> {
        let mut weight = Weight::default();
        let (mut typed, mut said) = (Vec::new(), Said::default());
        while let Some(field) = self.next(&mut rest)? {
            said.count(field.number);
            match field.number {
                1 => self.numbers(&field, &mut weight.dims)?,
                2 => weight.element = number(&field)? as i32,
                4 => weight.floats.push(float_span(&field)?),
                5 | 7 => self.numbers(&field, &mut typed)?,
                8 => weight.name = self.text(&field)?,
                9 => weight.payload = Payload::Raw(span(&field)?),
                13 => self.external(rest.inside(&field)?, &mut said)?,
                14 => said.is_elsewhere = number(&field)? == EXTERNAL,
                _ => self.pass(Message::Tensor, &field, &rest)?,
            }
            if !matches!(field.number, 9 | 13 | 14) {
                keep(&mut weight.kept, field.whole);
            }
        }
        weight.is_plain = said.is_plain();
        // As in ONNX Runtime, a location is ignored unless the data is declared external.
        if said.is_elsewhere {
            weight.payload = Payload::External(said.external);
        }
        weight.integers = self.integers(&weight, typed)?;
        Ok(weight)
    }

    /// Reads a `SparseTensorProto`; its name is that of its values.
    pub(super) fn sparse_weight(&mut self, mut rest: Rest) -> Result<Weight, Fault> {
        let mut weight = Weight {
            kind: WeightKind::Sparse,
            kept: vec![rest.span().clone()],
            ..Weight::default()
        };
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => weight.name = self.weight(rest.inside(&field)?)?.name,
                _ => self.pass(Message::SparseTensor, &field, &rest)?,
            }
        }
        Ok(weight)
    }

    fn external(&mut self, rest: Rest, said: &mut Said) -> Result<(), Fault> {
        let (key, value) = self.external_data(rest)?;
        let bytes = || {
            value
                .parse()
                .map_err(|_| Fault::Damaged("the offset or length of a weight is not a number"))
        };
        let external = &mut said.external;
        match key.as_str() {
            "offset" => external.offset = bytes()?,
            "length" => external.length = Some(bytes()?),
            "location" => external.location = value,
            _ => {}
        }
        said.keys.push(key);
        Ok(())
    }

    /// Returns the values of a short list of integers.
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
}

/// Returns the position of one value, or of several packed ones.
fn float_span(field: &Field) -> Result<Span, Fault> {
    match &field.value {
        Value::Fixed(4) => Ok(field.whole.end - 4..field.whole.end),
        _ => span(field),
    }
}

/// Returns a little-endian integer of up to eight bytes.
fn sign_extended(bytes: &[u8]) -> i64 {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = [if negative { 0xff } else { 0 }; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(all)
}

/// Adds a range, merged with the last one if they are adjacent.
fn keep(kept: &mut Vec<Span>, span: Span) {
    match kept.last_mut() {
        Some(last) if last.end == span.start => last.end = span.end,
        _ => kept.push(span),
    }
}
