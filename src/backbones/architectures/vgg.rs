//! VGG with 11, 13, 16 or 19 layers, with or without batch norms.
//!
//! Five blocks of 3 × 3 convolutions, each halved by a pool, then two dense layers whose output is the features, and the
//! classifier. Source: Simonyan and Zisserman, 2015, and `torchvision/models/vgg.py`. torchvision averages the last map
//! to 7 × 7 places, which is what it has at 224 × 224 pixels; timm's first dense layer is a 7 × 7 convolution over it:
//! both are the same sums.

use rten_onnx::onnx::ModelProto;

use super::classifier::Classifier;
use super::conv_norm::{Beside, ConvNorm};
use super::{End, expected};
use crate::backbones::onnx::{GraphBuilder, MaxPool, Value};
use crate::backbones::weights::StateDict;
use crate::error::Result;

/// Height and width of the pictures.
const SIZE: usize = 224;
/// Height and width of the last map.
const MAP: usize = 7;
/// The first block's channels as published.
const WIDTH: usize = 64;
/// The channels of each block, in first blocks'.
const BLOCKS: [usize; 5] = [1, 2, 4, 8, 8];
/// Length of the features, in first blocks' channels: 4096.
const DENSE: usize = 64;
/// The batch norms' ε, `PyTorch`'s default.
const EPSILON: f64 = 1e-5;

/// Whether each convolution is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    None,
    Batch,
}

/// A network's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vgg {
    /// The convolutions of each block.
    pub(super) convs: [usize; 5],
    pub(super) norm: Norm,
}

/// What the dense layers are called: (first, second, classifier).
const TORCHVISION: [&str; 3] = ["classifier.0", "classifier.3", "classifier.6"];
const TIMM: [&str; 3] = ["pre_logits.fc1", "pre_logits.fc2", "head.fc"];

impl Vgg {
    /// Builds the network; its channels are as many as the first convolution says.
    ///
    /// # Errors
    /// [`crate::error::Error::Network`] where the tensors are not those of this network.
    pub(super) fn build(self, weights: &StateDict, end: End) -> Result<ModelProto> {
        let width = expected::width(weights, "features.0.weight", [3, 3, 3], WIDTH);
        let blocks = self.blocks(width);
        let dense = Dense::of(width, weights);
        let classifier = Classifier::of(dense.names[2], dense.features, weights);
        let mut needed: Vec<_> = blocks
            .iter()
            .flatten()
            .flat_map(ConvNorm::tensors)
            .collect();
        needed.extend(dense.tensors());
        classifier.check(weights, needed, end)?;
        let mut graph = GraphBuilder::new(&[3, SIZE, SIZE]);
        let map = add_blocks(&mut graph, weights, &blocks)?;
        let features = dense.add_to(&mut graph, weights, &map)?;
        classifier.finish(graph, &features, weights, end)
    }

    /// The convolutions of each block, named by their places in torchvision's list of layers.
    fn blocks(self, width: usize) -> Vec<Vec<ConvNorm>> {
        let mut place = 0;
        let mut inputs = 3;
        let mut block = |channels: usize, count: usize| -> Vec<ConvNorm> {
            let layers = (0..count).map(|_| {
                let (layer, next) = self.conv(place, channels, inputs);
                (place, inputs) = (next, channels);
                layer
            });
            let layers = layers.collect();
            place += 1;
            layers
        };
        let counts = BLOCKS.iter().zip(self.convs);
        counts
            .map(|(times, count)| block(times * width, count))
            .collect()
    }

    /// The convolution at a place, and the place after its activation.
    fn conv(self, place: usize, outputs: usize, inputs: usize) -> (ConvNorm, usize) {
        let (beside, next) = match self.norm {
            Norm::None => (Beside::Bias, place + 2),
            Norm::Batch => (
                Beside::BiasAndNorm(format!("features.{}", place + 1)),
                place + 3,
            ),
        };
        let layer = ConvNorm {
            conv: format!("features.{place}"),
            beside,
            shape: [outputs, inputs, 3, 3],
            stride: 1,
            padding: (1, 1),
            groups: 1,
        };
        (layer, next)
    }
}

fn add_blocks(
    graph: &mut GraphBuilder,
    weights: &StateDict,
    blocks: &[Vec<ConvNorm>],
) -> Result<Value> {
    let halve = MaxPool {
        size: 2,
        stride: 2,
        padding: 0,
    };
    let mut x = graph.input();
    for (number, block) in blocks.iter().enumerate() {
        for layer in block {
            let sums = layer.add_to(graph, weights, &x, EPSILON)?;
            x = graph.relu(&format!("{}.relu", layer.conv), &sums);
        }
        x = graph.max_pool(&format!("pool{}", number + 1), &x, halve);
    }
    Ok(x)
}

/// The two dense layers before the classifier.
#[derive(Debug)]
struct Dense {
    names: [&'static str; 3],
    /// The channels of the last map.
    channels: usize,
    /// Length of both layers' outputs.
    features: usize,
}

impl Dense {
    fn of(width: usize, weights: &StateDict) -> Self {
        let is_timms = weights.get(&format!("{}.weight", TIMM[0])).is_some();
        Self {
            names: if is_timms { TIMM } else { TORCHVISION },
            channels: BLOCKS[4] * width,
            features: DENSE * width,
        }
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (first, second) = if self.names == TIMM {
            (
                vec![self.features, self.channels, MAP, MAP],
                vec![self.features, self.features, 1, 1],
            )
        } else {
            (
                vec![self.features, self.channels * MAP * MAP],
                vec![self.features, self.features],
            )
        };
        let layers = self.names.into_iter().zip([first, second]);
        layers
            .flat_map(|(name, shape)| {
                [
                    (format!("{name}.weight"), shape),
                    (format!("{name}.bias"), vec![self.features]),
                ]
            })
            .collect()
    }

    fn add_to(&self, graph: &mut GraphBuilder, weights: &StateDict, map: &Value) -> Result<Value> {
        let mut x = graph.flatten("flat", map);
        for (name, output) in self.names.into_iter().zip(["dense", "features"]) {
            let weight = weights.need(&format!("{name}.weight"))?;
            let bias = weights.need(&format!("{name}.bias"))?;
            let sums = graph.linear(name, &x, weight, bias);
            x = graph.relu(output, &sums);
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::sample::{ones, operators, weights_and_output};
    use super::*;

    const VGG19: Vgg = Vgg {
        convs: [2, 2, 4, 4, 4],
        norm: Norm::None,
    };
    const VGG11_BN: Vgg = Vgg {
        convs: [1, 1, 2, 2, 2],
        norm: Norm::Batch,
    };

    /// The tensors of a file, with the classifier; its dense layers are named as `dense` is.
    fn tensors(vgg: Vgg, width: usize, dense: [&'static str; 3]) -> Vec<(String, Vec<usize>)> {
        let dense = Dense {
            names: dense,
            channels: 8 * width,
            features: 64 * width,
        };
        let blocks = vgg.blocks(width);
        let mut all: Vec<_> = blocks
            .iter()
            .flatten()
            .flat_map(ConvNorm::tensors)
            .collect();
        all.extend(dense.tensors());
        all.push((
            format!("{}.weight", dense.names[2]),
            vec![10, dense.features],
        ));
        all.push((format!("{}.bias", dense.names[2]), vec![10]));
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
        // 143,667,240 numbers in all, of which 1000 classes have 4,097,000.
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
        // 8 convolutions of weight and bias with norms of 4, 3 dense layers; counted in torchvision without the counters.
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
        let model = VGG19.build(&weights, End::Features).unwrap();
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
        let model = VGG19.build(&weights, End::Logits).unwrap();
        let (names, output, size) = weights_and_output(&model);
        assert_eq!((names.len(), output, size), (2 * 19, "logits", 10));
    }

    #[test]
    fn timms_names_make_the_same_graph() {
        let graph = |names| {
            let weights = ones(tensors(VGG11_BN, 1, names));
            let model = VGG11_BN.build(&weights, End::Logits).unwrap();
            let graph = model.graph.unwrap();
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
        let text = vgg16
            .build(&weights, End::Features)
            .err()
            .unwrap()
            .to_string();
        // Of torchvision's vgg16, the places 17, 24 and 26 are convolutions; of vgg19, 16, 23, 25, 30, 32 and 34 are.
        for part in [
            "6 missing: `features.17.bias`",
            "`features.24.bias`",
            "unexpected: `features.16.weight`",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
