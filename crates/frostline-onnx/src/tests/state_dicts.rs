//! State dicts for tests of the architectures.

use std::collections::BTreeMap;

use rten_onnx::onnx::{GraphProto, ModelProto};

use crate::Spliced;
use crate::weights::{StateDict, Tensor};

/// Returns tensors of ones.
pub(crate) fn ones(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> StateDict {
    let ones = tensors.into_iter().map(|(name, shape)| {
        let data = vec![1.0; shape.iter().product()];
        (name, Tensor { shape, data })
    });
    StateDict::new("w.pth", ones)
}

/// Counts the nodes of each operator in the graph.
pub(crate) fn operators(graph: &GraphProto) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for node in &graph.node {
        *counts.entry(node.op_type.as_deref().unwrap()).or_default() += 1;
    }
    counts
}

/// Returns the names of the weights, and the name and last size of the output.
pub(crate) fn weights_and_output(model: &ModelProto) -> (Vec<&str>, &str, i64) {
    let graph = model.graph.as_ref().unwrap();
    let weights = graph.initializer.iter();
    let output = &graph.output[0];
    let shape = output
        .r#type
        .as_ref()
        .unwrap()
        .tensor_type
        .as_ref()
        .unwrap();
    let last = shape.shape.as_ref().unwrap().dim.last().unwrap();
    (
        weights.map(|w| w.name.as_deref().unwrap()).collect(),
        output.name.as_deref().unwrap(),
        last.dim_value.unwrap(),
    )
}

/// Returns tensors with varying values.
pub(crate) fn counted(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> StateDict {
    let counted = tensors.into_iter().map(|(name, shape)| {
        let len = shape.iter().product();
        let data = (0..len).map(|n: usize| ((n % 97) as f32 + 1.0) / 128.0);
        let data = data.collect();
        (name, Tensor { shape, data })
    });
    StateDict::new("w.pth", counted)
}

/// Returns a checksum of a network's file (FNV-1a). Features are identified by the bytes of their network,
/// which must not change.
pub(crate) fn fingerprint(model: &Spliced) -> u64 {
    crate::tests::sample::fingerprint(&model.to_bytes().unwrap())
}

/// Returns a network that was built, as parsed by another crate.
pub(crate) fn parsed(model: &Spliced) -> ModelProto {
    crate::tests::sample::parse(&model.to_bytes().unwrap())
}
