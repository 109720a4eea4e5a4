//! Writing weights: into the model, or into a file beside it where they are too long for one.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use rten_onnx::onnx::{DataLocation, StringStringEntryProto};

use super::super::cut::Cut;
use super::super::external::bytes_of;
use super::super::graph::{External, Payload, Weight};
use super::super::splice::{Extent, Failure, Message, Sources};
use crate::error::{Error, Result};

/// Weights below this many bytes stay in the model, where a runtime looks for shapes.
const SMALL: u64 = 1 << 10;
/// External weights begin at multiples of this, so that a runtime may map them into memory.
const PAGE: u64 = 4096;

/// Where the numbers of large weights are written to.
#[derive(Debug)]
pub(in crate::backbones::onnx) enum Storage {
    /// Into the model.
    Inside,
    /// Into a file of that name beside it.
    Beside(String),
}

/// The numbers that go into the file beside the model: those of several weights that are the same bytes go there once.
#[derive(Debug, Default)]
pub(in crate::backbones::onnx) struct Beside {
    /// Each with its place there.
    pieces: Vec<(u64, Extent)>,
    places: HashMap<Extent, u64>,
}

impl Beside {
    /// The place of some numbers there.
    fn place(&mut self, extent: Extent) -> u64 {
        let end = self.pieces.last().map_or(0, |(at, last)| at + last.len());
        let at = *self
            .places
            .entry(extent.clone())
            .or_insert(end.next_multiple_of(PAGE));
        if at >= end {
            self.pieces.push((at, extent));
        }
        at
    }
}

impl Cut<'_> {
    pub(super) fn weight(
        &self,
        weight: &Weight,
        storage: &Storage,
        beside: &mut Beside,
    ) -> Result<Message> {
        let mut message = kept_fields(weight);
        let Some(extent) = self.payload(weight)? else {
            return Ok(message);
        };
        match storage {
            Storage::Beside(name) if extent.len() >= SMALL => {
                let length = extent.len();
                let at = beside.place(extent);
                let entries = [
                    ("location", name.clone()),
                    ("offset", at.to_string()),
                    ("length", length.to_string()),
                ];
                for (key, value) in entries {
                    let (key, value) = (Some(key.to_owned()), Some(value));
                    message.encoded(13, &StringStringEntryProto { key, value });
                }
                message.number(14, DataLocation::EXTERNAL.0 as u64);
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

pub(super) fn kept_fields(weight: &Weight) -> Message {
    let mut message = Message::default();
    for span in &weight.kept {
        message.copy(0, span);
    }
    message
}

pub(super) fn write_beside(
    beside: &Beside,
    sources: &mut Sources,
    mut out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut end = 0;
    for (at, extent) in &beside.pieces {
        let gap = vec![0; (at - end) as usize];
        out.write_all(&gap).map_err(Failure::Write)?;
        sources.copy(extent, &mut out)?;
        end = at + extent.len();
    }
    Ok(())
}
