//! Builds ONNX graphs node by node.

mod layers;

use super::graph::{Dim, element};
use super::proto::{GRAPH_NAME, node, opset, tensor, value_info};
use super::splice::{Message, Spliced};

pub use self::layers::{Conv, MaxPool};

/// The ONNX file format of 2021, supported by ONNX Runtime 1.10 and later.
const IR_VERSION: i64 = 8;
/// The operator set of ONNX 1.8.
const OPSET: i64 = 13;

/// A value in a graph: the input, or a node's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(String);

impl Value {
    /// Returns the name, by which a runtime can be asked for the value.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// Builds a graph with one input, node by node.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    input: Vec<usize>,
    nodes: Message,
    weights: Message,
    has_bounds: bool,
}

/// The name of the input.
const INPUT: &str = "input";
/// The name of the batch dimension, which may have any size.
const BATCH: &str = "N";

impl GraphBuilder {
    /// Creates a graph without nodes; its input `input` has the shape (N, `shape`…).
    #[must_use]
    pub fn new(shape: &[usize]) -> Self {
        Self {
            input: shape.to_vec(),
            ..Self::default()
        }
    }

    /// Returns the graph's input.
    #[must_use]
    pub fn input(&self) -> Value {
        Value(INPUT.to_owned())
    }

    /// Finishes the model; each output has the shape (N, `shape`…). Equal models yield identical bytes.
    #[must_use]
    pub fn finish(self, outputs: &[(&Value, &[usize])]) -> Spliced {
        let mut graph = Message::default();
        graph.text(2, GRAPH_NAME);
        graph.append(self.nodes);
        graph.append(self.weights);
        graph.message(11, with_batch(INPUT, &self.input));
        for (output, shape) in outputs {
            graph.message(12, with_batch(&output.0, shape));
        }
        let mut model = Message::default();
        model.int(1, IR_VERSION);
        // No version, so that the same weights make the same file with every version of frostline.
        model.text(2, "frostline");
        model.message(7, graph);
        model.message(8, opset(None, OPSET));
        model.whole()
    }

    fn node(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&Value],
        attributes: Vec<Message>,
    ) -> Value {
        let inputs: Vec<&str> = inputs.iter().map(|value| value.name()).collect();
        self.nodes
            .message(1, node(operator, name, &inputs, name, attributes));
        Value(name.to_owned())
    }

    fn weight(&mut self, name: String, shape: &[usize], data: &[f32]) -> Value {
        // Reserve all memory at once: VGG's largest weights are 411 MB, and a growing vector could take twice
        // that.
        let mut bytes = Vec::with_capacity(size_of_val(data));
        for number in data {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let mut weight = tensor(
            &name,
            &shape.iter().map(|&size| size as i64).collect::<Vec<_>>(),
            element::FLOAT,
        );
        weight.blob(9, bytes);
        self.weights.message(5, weight);
        Value(name)
    }
}

fn with_batch(name: &str, shape: &[usize]) -> Message {
    let batch = std::iter::once(Dim::Free(BATCH.to_owned()));
    let rest = shape.iter().map(|&size| Dim::Fixed(size as u64));
    value_info(name, Some(&batch.chain(rest).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rten_onnx::onnx::GraphProto;

    use crate::tests::sample::parse;
    use crate::weights::Tensor;

    fn graph_of(model: &Spliced) -> GraphProto {
        parse(&model.to_bytes().unwrap()).graph.unwrap()
    }

    fn model() -> GraphProto {
        let mut graph = GraphBuilder::new(&[1, 5, 5]);
        let weight = Tensor {
            shape: vec![1, 1, 3, 3],
            data: vec![1.0; 9],
        };
        let bias = Tensor {
            shape: vec![1],
            data: vec![0.5],
        };
        let conv = Conv {
            weight,
            bias,
            stride: 2,
            padding: (0, 1),
            groups: 1,
        };
        let x = graph.conv("stem", &graph.input(), &conv);
        let y = graph.relu6("stem.relu6", &x);
        let z = graph.relu6("again", &y);
        let sum = graph.add("sum", &y, &z);
        let pooled = graph.global_average_pool("pool", &sum);
        let features = graph.flatten("features", &pooled);
        graph_of(&graph.finish(&[(&features, &[1])]))
    }

    #[test]
    fn nodes_follow_each_other() {
        let graph = model();
        let operators: Vec<_> = graph
            .node
            .iter()
            .map(|node| node.op_type.as_deref().unwrap())
            .collect();
        assert_eq!(
            operators,
            [
                "Conv",
                "Clip",
                "Clip",
                "Add",
                "GlobalAveragePool",
                "Flatten"
            ]
        );
        assert_eq!(graph.node[0].input, ["input", "stem.weight", "stem.bias"]);
        assert_eq!(graph.node[3].input, ["stem.relu6", "again"]);
        assert_eq!(graph.node[5].output, ["features"]);
    }

    #[test]
    fn padding_is_top_left_bottom_right() {
        let graph = model();
        let pads = graph.node[0]
            .attribute
            .iter()
            .find(|a| a.name.as_deref() == Some("pads"))
            .unwrap();
        assert_eq!(pads.ints, [0, 0, 1, 1]);
    }

    #[test]
    fn a_dense_layer_sums_over_rows() {
        let mut graph = GraphBuilder::new(&[2, 1, 2]);
        let weight = Tensor {
            shape: vec![3, 2, 1, 2],
            data: vec![1.0; 12],
        };
        let bias = Tensor {
            shape: vec![3],
            data: vec![0.5; 3],
        };
        let flat = graph.flatten("flat", &graph.input());
        let sums = graph.linear("dense", &flat, &weight, &bias);
        let graph = graph_of(&graph.finish(&[(&sums, &[3])]));
        assert_eq!(graph.initializer[0].dims, [3, 4]);
        assert_eq!(graph.node[1].input, ["flat", "dense.weight", "dense.bias"]);
        let transposed = &graph.node[1].attribute[0];
        assert_eq!(
            (transposed.name.as_deref(), transposed.i),
            (Some("transB"), Some(1))
        );
    }

    #[test]
    fn bounds_are_written_once() {
        let graph = model();
        let names: Vec<_> = graph
            .initializer
            .iter()
            .map(|tensor| tensor.name.clone().unwrap())
            .collect();
        assert_eq!(
            names,
            ["stem.weight", "stem.bias", "relu6.min", "relu6.max"]
        );
        assert_eq!(
            *graph.initializer[3].raw_data.as_ref().unwrap().borrow(),
            6.0_f32.to_le_bytes()
        );
    }
}
