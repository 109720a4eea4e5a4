//! Compares the tensors and graphs with torchvision's.

use std::collections::BTreeMap;

use super::*;
use crate::architectures::plan::End;
use crate::tests::state_dicts::{
    counted, fingerprint, ones, operators, parsed, weights_and_output,
};

const VGG19: Vgg = Vgg {
    convs: [2, 2, 4, 4, 4],
    norm: Norm::None,
};
const VGG11_BN: Vgg = Vgg {
    convs: [1, 1, 2, 2, 2],
    norm: Norm::Batch,
};

fn build(vgg: Vgg, weights: &StateDict, end: End) -> crate::Result<crate::Spliced> {
    vgg.plan(weights).build(weights, end)
}

/// Returns the tensors of a file including the classifier's, with the dense layers named `dense`.
fn tensors(vgg: Vgg, width: usize, dense: [&'static str; 3]) -> Vec<(String, Vec<usize>)> {
    let first = ("features.0.weight".to_owned(), vec![width, 3, 3, 3]);
    let timms = (dense == TIMM).then(|| (format!("{}.weight", TIMM[0]), vec![1]));
    let weights = ones([first].into_iter().chain(timms));
    let (mut all, features) = vgg.plan(&weights).needed().unwrap();
    all.push((format!("{}.weight", dense[2]), vec![10, features]));
    all.push((format!("{}.bias", dense[2]), vec![10]));
    all
}

#[test]
fn the_tensors_of_torchvisions_vgg19() {
    let tensors = tensors(VGG19, 64, TORCHVISION);
    // `torchvision.models.vgg19().state_dict()`: 16 convolutions, 3 dense layers.
    let convs = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34];
    let layers = convs.map(|place| format!("features.{place}")).into_iter();
    let layers = layers.chain([0, 3, 6].map(|place| format!("classifier.{place}")));
    let names = layers.flat_map(|name| [format!("{name}.weight"), format!("{name}.bias")]);
    let found: Vec<_> = tensors.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(found, names.collect::<Vec<_>>());
    let shapes: BTreeMap<_, _> = tensors
        .iter()
        .map(|(name, shape)| (name.as_str(), shape.as_slice()))
        .collect();
    assert_eq!(shapes["features.0.weight"], [64, 3, 3, 3]);
    assert_eq!(shapes["features.10.weight"], [256, 128, 3, 3]);
    assert_eq!(shapes["features.34.weight"], [512, 512, 3, 3]);
    assert_eq!(shapes["classifier.0.weight"], [4096, 25088]);
    assert_eq!(shapes["classifier.3.weight"], [4096, 4096]);
    // 143,667,240 parameters, of which the classifier of 1000 classes has 4,097,000.
    let sizes = shapes
        .iter()
        .filter(|(name, _)| !name.starts_with("classifier.6"));
    let numbers: usize = sizes
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    assert_eq!(numbers, 143_667_240 - 4_097_000);
}

#[test]
fn batch_norms_follow_their_convolutions() {
    let tensors = tensors(VGG11_BN, 64, TORCHVISION);
    // 8 convolutions with weight, bias and the 4 tensors of a norm, and 3 dense layers: torchvision's count
    // without `num_batches_tracked`.
    assert_eq!(tensors.len(), 8 * 6 + 6);
    let weights: Vec<_> = tensors
        .iter()
        .filter_map(|(name, shape)| Some((name.strip_suffix(".weight")?, shape.len())))
        .collect();
    let expected = [
        ("features.0", 4),
        ("features.1", 1),
        ("features.4", 4),
        ("features.5", 1),
    ];
    assert_eq!(weights[..4], expected);
    assert!(weights.contains(&("features.25", 4)) && weights.contains(&("features.26", 1)));
}

#[test]
fn the_classifier_is_left_out_or_kept() {
    let weights = ones(tensors(VGG19, 2, TORCHVISION));
    let model = parsed(&build(VGG19, &weights, End::Features).unwrap());
    let (names, output, size) = weights_and_output(&model);
    assert_eq!((names.len(), output, size), (2 * 18, "features", 128));
    let counts = operators(model.graph.as_ref().unwrap());
    let expected = [
        ("Conv", 16),
        ("Flatten", 1),
        ("Gemm", 2),
        ("MaxPool", 5),
        ("Relu", 18),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    let model = parsed(&build(VGG19, &weights, End::Logits).unwrap());
    let (names, output, size) = weights_and_output(&model);
    assert_eq!((names.len(), output, size), (2 * 19, "logits", 10));
}

#[test]
fn timms_names_make_the_same_graph() {
    let graph = |names| {
        let weights = ones(tensors(VGG11_BN, 1, names));
        let model = build(VGG11_BN, &weights, End::Logits).unwrap();
        let graph = parsed(&model).graph.unwrap();
        let shapes = graph.initializer.iter().map(|w| w.dims.clone());
        (shapes.collect::<Vec<_>>(), graph.node.len())
    };
    assert_eq!(graph(TIMM), graph(TORCHVISION));
}

#[test]
fn another_vgg_is_refused_by_name() {
    let weights = ones(tensors(VGG19, 1, TORCHVISION));
    let vgg16 = Vgg {
        convs: [2, 2, 3, 3, 3],
        norm: Norm::None,
    };
    let text = build(vgg16, &weights, End::Features)
        .err()
        .unwrap()
        .to_string();
    // Only torchvision's vgg16 has convolutions at 17, 24 and 26; only its vgg19 has them at 16, 23, 25, 30,
    // 32 and 34.
    for part in [
        "6 missing: `features.17.bias`",
        "`features.24.bias`",
        "unexpected: `features.16.weight`",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn equal_weights_are_the_same_bytes_in_all_versions() {
    let file = |vgg: Vgg, names, end| {
        fingerprint(&build(vgg, &counted(tensors(vgg, 2, names)), end).unwrap())
    };
    let files = [
        file(VGG19, TORCHVISION, End::Features),
        file(VGG11_BN, TIMM, End::Logits),
    ];
    assert_eq!(
        files,
        [14_827_679_102_577_336_370, 7_543_172_924_004_588_251]
    );
}
