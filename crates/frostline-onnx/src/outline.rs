//! An overview of an ONNX file.

use std::fmt::Write;
use std::iter;
use std::path::PathBuf;

use super::external::file_beside;
use super::graph::{Dim, Network, Node, ValueInfo, element};
use crate::error::Result;

/// An overview of an ONNX file: versions, inputs, outputs, nodes and files of external data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The version of the file format.
    pub ir_version: i64,
    /// The version of ONNX's own operators.
    pub opset: i64,
    /// Inputs that are not weights, with their types.
    pub inputs: Vec<(String, String)>,
    /// Outputs, with their types.
    pub outputs: Vec<(String, String)>,
    /// Operator and first output of each node, in order.
    pub nodes: Vec<(String, String)>,
    /// Number of weights.
    pub initializers: usize,
    /// Names of the files next to the model that contain tensor data, as the model spells them.
    pub external_data: Vec<String>,
}

impl Network {
    /// Returns an overview of the file.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let graph = &self.graph;
        let is_weight = |info: &&ValueInfo| graph.weights.iter().any(|w| w.name == info.name);
        let typed = |info: &ValueInfo| (info.name.clone(), type_text(info));
        let first = |node: &Node| {
            let output = node.outputs.first().cloned();
            (node.operator.clone(), output.unwrap_or_default())
        };
        let inputs = graph.inputs.iter().filter(|info| !is_weight(info));
        Outline {
            ir_version: self.ir_version,
            opset: self.opset().unwrap_or_default(),
            inputs: inputs.map(typed).collect(),
            outputs: graph.outputs.iter().map(typed).collect(),
            initializers: graph.weights.len(),
            nodes: graph.nodes.iter().map(first).collect(),
            external_data: self.external_data.clone(),
        }
    }

    /// Returns the files that the network consists of: the model, and the external data files next to it.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) naming a file that is missing, cannot be read, or is outside
    /// the network's folder.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let beside = self.external_data.iter();
        let beside = beside.map(|name| file_beside(&self.path, name, self.open));
        iter::once(Ok(self.path.clone())).chain(beside).collect()
    }
}

/// Returns a type for messages: `FLOAT [N, 3, 224, 224]`.
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
    use super::*;
    use crate::tests::sample::open;

    fn read(bytes: &[u8]) -> Result<Outline> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.onnx");
        std::fs::write(&path, bytes).unwrap();
        Network::read(&path, open).map(|network| network.outline())
    }

    /// `ModelProto { ir_version: 8, graph { node { output: "y", op_type: "Relu" } }, opset_import { version:
    /// 13 } }`.
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
