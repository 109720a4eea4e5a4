//! Reads a network's structure from a file in one pass; weights stay on disk.

mod graph;
mod reader;
mod tensor;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use self::reader::Reader;
use super::graph::Network;
use super::wire::Fault;
use super::wire::Open;
use crate::error::{Error, FileProblem, Format, NetworkProblem, Result, Wanted};
use crate::sniff::{self, Kind};

impl Network {
    /// Reads a network's structure. Weights stay on disk, and external files are not checked.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] if the file is not a network (saying what it is instead), or is cut off
    /// or damaged; [`Error::Network`] if it contains a compiled engine.
    pub fn read(path: &Path, open: Open) -> Result<Self> {
        let (file, start) = opened(path, open).map_err(Error::io(path))?;
        let kind = sniff::kind(&start);
        if !matches!(kind, Kind::Onnx | Kind::Unknown) {
            return Err(foreign(path, kind.words()));
        }
        let reader = Reader::of(file).map_err(Fault::Io);
        let read = reader.and_then(|mut reader| reader.model(path, open));
        match read {
            Ok(model) => complete(model),
            Err(Fault::Io(error)) => Err(Error::io(path)(error)),
            Err(Fault::CompiledEngine) => Err(NetworkProblem::CompiledEngine.at(path)),
            Err(_) if !looks_like_a_model(&start) => Err(foreign(path, NO_GRAPH)),
            Err(Fault::Cut) => Err(cut(path, "in the middle of a field")),
            Err(Fault::Damaged(problem)) => {
                Err(FileProblem::Damaged(problem.to_owned()).at(path, Format::Network))
            }
        }
    }
}

/// Opens a file and returns it with its first bytes.
fn opened(path: &Path, open: Open) -> io::Result<(File, Vec<u8>)> {
    let mut file = open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(sniff::START).read_to_end(&mut start)?;
    file.rewind()?;
    Ok((file, start))
}

const NO_GRAPH: &str = "it contains no ONNX graph";

/// Refuses a file that lacks a required part. The operator versions come last, so a file without them is cut
/// off.
fn complete(model: Network) -> Result<Network> {
    let path = &model.path;
    if model.ir_version <= 0 || model.graph.nodes.is_empty() {
        Err(foreign(path, NO_GRAPH))
    } else if model.opsets.is_empty() {
        Err(cut(path, "before the operator versions"))
    } else {
        Ok(model)
    }
}

/// ONNX writers put the format version first: field 1, a small number.
fn looks_like_a_model(start: &[u8]) -> bool {
    matches!(start, [0x08, 1..=127, ..])
}

fn foreign(path: &Path, found: &str) -> Error {
    let problem = FileProblem::Foreign {
        wanted: Wanted::Network,
        found: found.to_owned(),
    };
    problem.at(path, Format::Network)
}

fn cut(path: &Path, place: &str) -> Error {
    let length = path.metadata().map_or(0, |about| about.len());
    FileProblem::Cut(format!("it ends after {length} bytes, {place}")).at(path, Format::Network)
}
