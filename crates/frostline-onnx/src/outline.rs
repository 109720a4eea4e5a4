//! What an ONNX file says of itself, read without its weights.

use std::fmt::Write;
use std::io::{self, ErrorKind};
use std::iter;
use std::path::{Component, Path, PathBuf};

use super::files::Open;
use super::graph::{Dim, Model, ValueInfo, element};
use super::read::read_structure;
use crate::error::{NetworkProblem, Result};

/// The outline of an ONNX file: versions, inputs, outputs, nodes and files of external data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The version of the file format.
    pub ir_version: i64,
    /// The version of the standard operators.
    pub opset: i64,
    /// Inputs that are no weights, with their types.
    pub inputs: Vec<(String, String)>,
    /// Outputs, with their types.
    pub outputs: Vec<(String, String)>,
    /// Operator and first output of each node, in order.
    pub nodes: Vec<(String, String)>,
    /// Number of weights.
    pub initializers: usize,
    /// Files beside the model that hold numbers of its own, as the model names them, wherever in the model that is.
    pub external_data: Vec<String>,
}

impl Outline {
    /// Reads an outline; weights are skipped over, not read.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); [`Error::File`](crate::Error::File) where it is no ONNX file, saying what it is instead, or is cut or damaged;
    /// [`Error::Network`](crate::Error::Network) where it holds code.
    pub fn read(path: &Path, open: Open) -> Result<Self> {
        read_structure(path, open).map(Self::of)
    }

    fn of(model: Model) -> Self {
        let opset = model.opset().unwrap_or_default();
        let graph = model.graph;
        let is_weight = |info: &&ValueInfo| graph.weights.iter().any(|w| w.name == info.name);
        let typed = |info: &ValueInfo| (info.name.clone(), type_text(info));
        Self {
            ir_version: model.ir_version,
            opset,
            inputs: graph
                .inputs
                .iter()
                .filter(|info| !is_weight(info))
                .map(typed)
                .collect(),
            outputs: graph.outputs.iter().map(typed).collect(),
            initializers: graph.weights.len(),
            nodes: graph
                .nodes
                .into_iter()
                .map(|node| {
                    let output = node.outputs.into_iter().next();
                    (node.operator, output.unwrap_or_default())
                })
                .collect(),
            external_data: model.external_data,
        }
    }

    /// The files of a model at `path`: itself, and those of external data, each beside it.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) naming a file that is missing, or that the model looks for outside of its own folder.
    pub fn files(&self, path: &Path, open: Open) -> Result<Vec<PathBuf>> {
        let external = self.external_data.iter();
        iter::once(Ok(path.to_owned()))
            .chain(external.map(|name| external_file(path, name, open)))
            .collect()
    }
}

/// A file of external data of a model, beside it: as in ONNX Runtime, links may lead there, but not out of its folder.
pub(super) fn external_file(model: &Path, name: &str, open: Open) -> Result<PathBuf> {
    let folder = model.parent().unwrap_or(Path::new(""));
    let bad = |problem: NetworkProblem| problem.at(model);
    let outside = || bad(NetworkProblem::OutsideFolder(name.to_owned()));
    let leaves = Path::new(name)
        .components()
        .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    if leaves || name.starts_with(IN_MEMORY) {
        return Err(outside());
    }
    let file = folder.join(name);
    let missing = |error: io::Error| {
        let path = file.clone();
        bad(match error.kind() {
            ErrorKind::NotFound => NetworkProblem::NoWeights(path),
            _ => NetworkProblem::UnreadableWeights { path, error },
        })
    };
    let (home, real) = (plain(folder).canonicalize(), file.canonicalize());
    if !real.map_err(missing)?.starts_with(home.map_err(missing)?) {
        return Err(outside());
    }
    open(&file).map_err(missing)?;
    Ok(file)
}

/// Names that ONNX Runtime takes for places in its memory begin so.
const IN_MEMORY: &str = "*/_ORT_";

/// The working directory has no name of its own.
fn plain(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

/// A type as people write it: `FLOAT [N, 3, 224, 224]`.
fn type_text(info: &ValueInfo) -> String {
    let Some(element) = info.element else {
        return "not a tensor".to_owned();
    };
    let mut text = element::name(element);
    if let Some(dims) = &info.dims {
        let dims = dims.iter().map(|dim| match dim {
            Dim::Free(name) if name.is_empty() => "?".to_owned(),
            Dim::Free(name) => name.clone(),
            Dim::Fixed(length) => length.to_string(),
        });
        let _ = write!(text, " [{}]", dims.collect::<Vec<_>>().join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample::open;
    use super::*;

    fn read(bytes: &[u8]) -> Result<Outline> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.onnx");
        std::fs::write(&path, bytes).unwrap();
        Outline::read(&path, open)
    }

    /// `ModelProto { ir_version: 8, graph { node { output: "y", op_type: "Relu" } }, opset_import { version: 13 } }`.
    const TINY: &[u8] = &[
        0x08, 8, 0x3a, 11, 0x0a, 9, 0x12, 1, b'y', 0x22, 4, b'R', b'e', b'l', b'u', 0x42, 2, 0x10,
        13,
    ];

    #[test]
    fn a_tiny_network() {
        let outline = read(TINY).unwrap();
        assert_eq!((outline.ir_version, outline.opset), (8, 13));
        assert_eq!(outline.nodes, [("Relu".to_owned(), "y".to_owned())]);
    }

    #[test]
    fn cut_and_foreign_files_are_told_apart() {
        let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert!(
            message(&TINY[..9]).contains("cut off"),
            "{}",
            message(&TINY[..9])
        );
        assert!(message(b"").contains("empty"));
        assert!(message(b"version https://git-lfs.github.com/spec/v1\n").contains("LFS"));
        assert!(message(b"<!DOCTYPE html>").contains("web page"));
        assert!(message(b"hello, this is some text").contains("not an ONNX network"));
    }

    #[test]
    fn lying_lengths_ask_for_no_memory() {
        for start in 0..TINY.len() {
            let mut bytes = TINY.to_vec();
            bytes.splice(start..=start, [0xff; 9].into_iter().chain([0x01]));
            let _ = read(&bytes);
        }
    }
}
