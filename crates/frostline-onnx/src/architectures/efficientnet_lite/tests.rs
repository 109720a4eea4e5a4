//! Compares the tensors and graphs with the published files.

use super::*;
use crate::architectures::plan::End;
use crate::tests::state_dicts::{counted, fingerprint, ones, operators, parsed};
use crate::weights::{StateDict, Tensor};

const LITE: [EfficientNetLite; 3] = [
    EfficientNetLite {
        width: 10,
        depth: 10,
        size: 224,
    },
    EfficientNetLite {
        width: 10,
        depth: 11,
        size: 240,
    },
    EfficientNetLite {
        width: 11,
        depth: 12,
        size: 260,
    },
];

fn tensors(lite: usize) -> Vec<(String, Vec<usize>)> {
    LITE[lite].plan().needed().unwrap().0
}

fn build(weights: &StateDict) -> crate::Result<crate::Spliced> {
    LITE[0].plan().build(weights, End::Features)
}

#[test]
fn the_published_files_have_these_tensors() {
    // Counted in the files of the three packages, without `_fc` and `num_batches_tracked`.
    for (lite, (count, numbers)) in [(245, 3_413_024), (320, 4_189_344), (320, 4_869_168)]
        .into_iter()
        .enumerate()
    {
        let tensors = tensors(lite);
        assert_eq!(tensors.len(), count, "lite{lite}");
        let sizes = tensors
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>());
        assert_eq!(sizes.sum::<usize>(), numbers, "lite{lite}");
    }
    let shape = |lite: usize, name: &str| {
        let mut tensors = tensors(lite).into_iter();
        tensors
            .find(|(known, _)| known == name)
            .map(|(_, shape)| shape)
    };
    for (lite, name, wanted) in [
        (0, "_blocks.0._depthwise_conv.weight", [32, 1, 3, 3]),
        (0, "_blocks.1._expand_conv.weight", [96, 16, 1, 1]),
        (0, "_blocks.15._project_conv.weight", [320, 1152, 1, 1]),
        (1, "_blocks.4._expand_conv.weight", [144, 24, 1, 1]),
        (1, "_blocks.14._project_conv.weight", [112, 672, 1, 1]),
        (2, "_blocks.14._project_conv.weight", [120, 720, 1, 1]),
        (2, "_blocks.20._project_conv.weight", [352, 1248, 1, 1]),
    ] {
        assert_eq!(
            shape(lite, name),
            Some(wanted.to_vec()),
            "lite{lite}, {name}"
        );
    }
}

#[test]
fn the_graph_has_the_right_nodes() {
    let graph = parsed(&build(&ones(tensors(0))).unwrap());
    let graph = graph.graph.unwrap();
    let counts = operators(&graph);
    // Stem, 2 + 15 · 3, head; one skip for each repeat within a stage: 1 + 1 + 2 + 2 + 3.
    assert_eq!((counts["Conv"], counts["Clip"], counts["Add"]), (49, 33, 9));
    assert_eq!(graph.node.last().unwrap().output, ["features"]);
}

fn with(keep: impl Fn(&str) -> bool, more: Option<(String, Tensor)>) -> StateDict {
    let all = ones(tensors(0));
    let kept = all
        .iter()
        .filter(|(name, _)| keep(name))
        .map(|(name, tensor)| (name.to_owned(), tensor.clone()));
    StateDict::new("w.pth", kept.chain(more))
}

#[test]
fn other_weights_are_refused() {
    let error = build(&with(|name| name != "_bn1.bias", None))
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
    let model = build(&weights).unwrap();
    let graph = parsed(&model).graph.unwrap();
    // 49 weights, 49 biases, and the two bounds of ReLU6.
    assert_eq!(graph.initializer.len(), 100);
}

#[test]
fn equal_weights_are_the_same_bytes_in_all_versions() {
    let weights = counted(tensors(0));
    let model = build(&weights).unwrap();
    assert_eq!(fingerprint(&model), 15_622_169_614_419_918_333);
}

#[test]
fn padding_is_tensorflows() {
    // 224 to 112 by 3: (111 · 2 + 3) − 224 = 1; 56 to 28 by 5: (27 · 2 + 5) − 56 = 3.
    assert_eq!(same_padding(224, 2, 3), (0, 1));
    assert_eq!(same_padding(112, 1, 3), (1, 1));
    assert_eq!(same_padding(56, 2, 5), (1, 2));
    assert_eq!(same_padding(28, 1, 5), (2, 2));
    assert_eq!(same_padding(7, 1, 1), (0, 0));
}
