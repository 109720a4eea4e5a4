//! Compares the tensors and graphs with torchvision's.

use std::collections::BTreeMap;

use super::*;
use crate::architectures::plan::End;
use crate::tests::state_dicts::{
    counted, fingerprint, ones, operators, parsed, weights_and_output,
};

const RESNET18: ResNet = ResNet {
    kind: Kind::Basic,
    blocks: [2, 2, 2, 2],
};
const RESNET50: ResNet = ResNet {
    kind: Kind::Bottleneck,
    blocks: [3, 4, 6, 3],
};

fn build(resnet: ResNet, weights: &StateDict, end: End) -> crate::Result<crate::Spliced> {
    resnet.plan(weights).build(weights, end)
}

/// Returns the tensors without the classifier's.
fn tensors(resnet: ResNet, width: usize) -> Vec<(String, Vec<usize>)> {
    let first = ("conv1.weight".to_owned(), vec![width, 3, 7, 7]);
    resnet.plan(&ones([first])).needed().unwrap().0
}

fn shape(tensors: &[(String, Vec<usize>)], name: &str) -> Vec<usize> {
    let found = tensors.iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{name}")).1.clone()
}

#[test]
fn the_tensors_are_torchvisions() {
    // Without `fc` and `num_batches_tracked`, `torchvision.models.resnet18` and `resnet50` have 100 and 265
    // tensors, with 4800 and 26560 values each in the running means and in the variances. With `fc`, they
    // have 11,689,512 and 25,557,032 parameters.
    for (resnet, count, running, parameters, fc) in [
        (RESNET18, 100, 9_600, 11_689_512, 513_000),
        (RESNET50, 265, 53_120, 25_557_032, 2_049_000),
    ] {
        let tensors = tensors(resnet, 64);
        assert_eq!(tensors.len(), count);
        let sizes = tensors
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>());
        assert_eq!(sizes.sum::<usize>(), parameters - fc + running);
    }
    let tensors = tensors(RESNET50, 64);
    assert_eq!(shape(&tensors, "conv1.weight"), [64, 3, 7, 7]);
    assert_eq!(
        shape(&tensors, "layer1.0.downsample.0.weight"),
        [256, 64, 1, 1]
    );
    assert_eq!(shape(&tensors, "layer1.1.conv1.weight"), [64, 256, 1, 1]);
    assert_eq!(shape(&tensors, "layer4.0.conv2.weight"), [512, 512, 3, 3]);
    assert_eq!(shape(&tensors, "layer4.2.bn3.running_var"), [2048]);
}

#[test]
fn the_stride_is_in_the_3_by_3_convolution() {
    let model = build(RESNET50, &ones(tensors(RESNET50, 2)), End::Features);
    let graph = parsed(&model.unwrap()).graph.unwrap();
    let stride = |name: &str| {
        let node = graph.node.iter().find(|node| node.output == [name])?;
        let mut attributes = node.attribute.iter();
        let strides = attributes.find(|a| a.name.as_deref() == Some("strides"))?;
        Some(strides.ints[0])
    };
    let layers = [1, 2, 3].map(|number| stride(&format!("layer2.0.conv{number}")));
    assert_eq!(layers, [Some(1), Some(2), Some(1)]);
    assert_eq!(stride("layer2.0.downsample.0"), Some(2));
    assert_eq!(stride("layer1.1.conv1"), Some(1));
    assert_eq!(stride("layer1.1.downsample.0"), None);
}

#[test]
fn nodes_and_ends() {
    let model = build(RESNET18, &ones(tensors(RESNET18, 2)), End::Features);
    let model = parsed(&model.unwrap());
    let counts = operators(model.graph.as_ref().unwrap());
    let expected = [
        ("Add", 8),
        ("Conv", 20),
        ("Flatten", 1),
        ("GlobalAveragePool", 1),
        ("MaxPool", 1),
        ("Relu", 17),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    let (names, output, size) = weights_and_output(&model);
    assert_eq!((names.len(), output, size), (40, "features", 16));
    let text = build(RESNET18, &ones(tensors(RESNET18, 2)), End::Logits)
        .err()
        .unwrap()
        .to_string();
    assert!(
        text.ends_with("2 missing: `fc.bias`, `fc.weight`"),
        "{text}"
    );
}

#[test]
fn equal_weights_are_the_same_bytes_in_all_versions() {
    let weights = counted(tensors(RESNET50, 2));
    let model = build(RESNET50, &weights, End::Features).unwrap();
    assert_eq!(fingerprint(&model), 8_834_877_015_567_246_311);
}
