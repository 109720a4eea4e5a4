//! Small networks of our own, for what needs a real ONNX file but no trained one.

use std::path::Path;

use frostline::backbones::onnx::{Conv, GraphBuilder, write_model};
use frostline::backbones::weights::Tensor;

/// Writes a network on (3, 8, 8) with two outputs, `map` (192 features) and `means` (3); `gain` is its one weight.
pub(crate) fn two_outputs(path: &Path, gain: f32) {
    let mut graph = GraphBuilder::new(&[3, 8, 8]);
    let diagonal = (0..9).map(|i| if i % 4 == 0 { gain } else { 0.0 });
    let conv = Conv {
        weight: tensor(&[3, 3, 1, 1], diagonal.collect()),
        bias: tensor(&[3], vec![0.0; 3]),
        stride: 1,
        padding: (0, 0),
        groups: 1,
    };
    let scaled = graph.conv("scaled", &graph.input(), &conv);
    let map = graph.flatten("map", &scaled);
    let pooled = graph.global_average_pool("pooled", &scaled);
    let means = graph.flatten("means", &pooled);
    let mut model = graph.finish(&map, &[192]);
    let second = GraphBuilder::new(&[]).finish(&means, &[3]);
    let outputs = &mut model.graph.as_mut().unwrap().output;
    outputs.extend(second.graph.unwrap().output);
    write_model(&model, path).unwrap();
}

fn tensor(shape: &[usize], data: Vec<f32>) -> Tensor {
    Tensor {
        shape: shape.to_vec(),
        data,
    }
}
