//! Small untrained ONNX networks.

use std::path::Path;

use frostline::backbones::onnx::write_model;
use frostline_onnx::weights::Tensor;
use frostline_onnx::{Conv, GraphBuilder};

/// Writes a network with input (3, 8, 8) and two outputs, `map` (192 features) and `means` (3); `gain` is
/// its only weight.
pub(crate) fn two_outputs(path: &Path, gain: f32) {
    gains(path, &[gain]);
}

/// Gains that make white infinite and leave the features of [`super::RED`] and [`super::BLUE`] unchanged:
/// the first gain makes values of 2.27 or more overflow.
pub(crate) const WHITE_IS_INFINITE: [f32; 3] = [1.5e38, 1e-19, 1e-19 / 1.5];

/// Writes the network of [`two_outputs`] with several weights, which multiply all values one after another.
pub(crate) fn gains(path: &Path, gains: &[f32]) {
    let mut graph = GraphBuilder::new(&[3, 8, 8]);
    let mut scaled = graph.input();
    for (i, &gain) in gains.iter().enumerate() {
        let diagonal = (0..9).map(|i| if i % 4 == 0 { gain } else { 0.0 });
        let conv = Conv {
            weight: tensor(&[3, 3, 1, 1], diagonal.collect()),
            bias: tensor(&[3], vec![0.0; 3]),
            stride: 1,
            padding: (0, 0),
            groups: 1,
        };
        scaled = graph.conv(&format!("scaled{i}"), &scaled, &conv);
    }
    let map = graph.flatten("map", &scaled);
    let pooled = graph.global_average_pool("pooled", &scaled);
    let means = graph.flatten("means", &pooled);
    let model = graph.finish(&[(&map, &[192]), (&means, &[3])]);
    write_model(&model, path).unwrap();
}

/// Writes a network with input (3, 16, 16) and one output, `map` (1280 features): five mixtures of colours.
pub(crate) fn wide(path: &Path) {
    let mut graph = GraphBuilder::new(&[3, 16, 16]);
    let mixtures = [
        1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.6, -0.6, 0.3, -0.3, 0.6, -0.6,
    ];
    let conv = Conv {
        weight: tensor(&[5, 3, 1, 1], mixtures.to_vec()),
        bias: tensor(&[5], vec![0.0; 5]),
        stride: 1,
        padding: (0, 0),
        groups: 1,
    };
    let input = graph.input();
    let mixed = graph.conv("mixed", &input, &conv);
    let map = graph.flatten("map", &mixed);
    let model = graph.finish(&[(&map, &[1280])]);
    write_model(&model, path).unwrap();
}

fn tensor(shape: &[usize], data: Vec<f32>) -> Tensor {
    Tensor {
        shape: shape.to_vec(),
        data,
    }
}
