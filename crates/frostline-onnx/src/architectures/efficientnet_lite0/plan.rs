//! The layers of EfficientNet-Lite0, one after the other.

use super::layer::{Layer, Then};

/// Height and width of the pictures.
pub(super) const SIZE: usize = 224;
/// D, the channels of the last map.
pub(super) const FEATURES: usize = 1280;
const STEM: usize = 32;

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

/// The layers in order, one list for each bottleneck; stem and head are lists of one.
pub(super) fn bottlenecks() -> Vec<Vec<Layer>> {
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
    depthwise.conv.groups = wide;
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
