//! Writes weights into the model, or into a file next to it if the model would be too large.

use std::collections::HashMap;
use std::path::Path;

use super::super::cut::Cut;
use super::super::external::end_of;
use super::super::graph::{EXTERNAL, External, Payload, Weight};
use super::super::proto::entry;
use super::super::splice::{Extent, Message};
use crate::error::{Error, NetworkProblem, Result};

/// Weights smaller than this many bytes stay in the model, where runtimes look for shapes.
const SMALL: u64 = 1 << 10;
/// External weights start at multiples of this, so that runtimes can map them into memory.
const PAGE: u64 = 4096;

/// Where the values of large weights are written.
#[derive(Debug)]
pub(crate) enum Storage {
    /// In the model.
    Inside,
    /// In a file with this name next to the model.
    Beside(String),
}

/// The file next to the model. Weights with the same bytes share one copy.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(super) message: Message,
    end: u64,
    places: HashMap<Extent, u64>,
}

impl Beside {
    /// Returns the offset of these bytes in the file, adding them if they are new.
    fn place(&mut self, extent: Extent) -> u64 {
        if let Some(&at) = self.places.get(&extent) {
            return at;
        }
        let at = self.end.next_multiple_of(PAGE);
        self.message.bytes(&vec![0; (at - self.end) as usize]);
        self.end = at + extent.len();
        self.places.insert(extent.clone(), at);
        self.message.extent(extent);
        at
    }
}

impl Cut<'_> {
    pub(crate) fn weight(
        &self,
        weight: &Weight,
        storage: &Storage,
        beside: &mut Beside,
    ) -> Result<Message> {
        let mut message = Message::of(&weight.kept);
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
                    message.message(13, entry(key, &value));
                }
                message.number(14, EXTERNAL);
            }
            Storage::Beside(_) | Storage::Inside => message.payload(9, extent),
        }
        Ok(message)
    }

    /// Returns where a weight's bytes are; `None` if its values are in fields that are copied anyway.
    fn payload(&self, weight: &Weight) -> Result<Option<Extent>> {
        match &weight.payload {
            Payload::Fields => Ok(None),
            Payload::Raw(span) => Ok(Some(Extent::of(span))),
            Payload::External(external) => self.external(weight, external).map(Some),
        }
    }

    fn external(&self, weight: &Weight, external: &External) -> Result<Extent> {
        let folder = self.network.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(&external.location);
        let file = self.sources.iter().position(|source| *source == path);
        let file = file.expect("all weights files were looked up before");
        let length = path.metadata().map_err(Error::io(&path))?.len();
        let name = || weight.name.clone();
        let problem = match end_of(weight, external) {
            Some(end) if end <= length => {
                let span = external.offset..end;
                return Ok(Extent { file, span });
            }
            Some(end) => NetworkProblem::WeightBeyondFile {
                weight: name(),
                end,
                length,
            },
            None => NetworkProblem::UnknownLength(name()),
        };
        Err(problem.at(&path))
    }
}
