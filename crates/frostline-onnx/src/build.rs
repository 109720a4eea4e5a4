//! Building an ONNX graph node by node.

mod layers;
mod proto;

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
};

use self::proto::{signed, value_info};

pub use self::layers::{Conv, MaxPool};

/// ONNX's file format of 2021, which every ONNX Runtime since 1.10 reads.
const IR_VERSION: i64 = 8;
/// Operators of ONNX 1.8.
const OPSET: i64 = 13;

/// The output of a node, or the graph's input, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(String);

impl Value {
    /// The name, by which a runtime can be asked for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// A graph with one input and one output, node by node.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: GraphProto,
    input: Value,
}

impl GraphBuilder {
    /// A graph without nodes; its input is called `input` and is of shape (N, `shape`…).
    #[must_use]
    pub fn new(shape: &[usize]) -> Self {
        let input = Value("input".to_owned());
        let graph = GraphProto {
            input: vec![value_info(&input, shape)],
            ..GraphProto::default()
        };
        Self { graph, input }
    }

    /// The graph's input.
    #[must_use]
    pub fn input(&self) -> Value {
        self.input.clone()
    }

    /// The model, whose output is `output` of shape (N, `shape`…).
    #[must_use]
    pub fn finish(mut self, output: &Value, shape: &[usize]) -> ModelProto {
        self.graph.output = vec![value_info(output, shape)];
        ModelProto {
            ir_version: Some(IR_VERSION),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto {
                domain: None,
                version: Some(OPSET),
            }],
            // No version: the same weights make the same file, whichever frostline wrote it.
            producer_name: Some("frostline".to_owned()),
            ..ModelProto::default()
        }
    }

    fn node(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&Value],
        attribute: Vec<AttributeProto>,
    ) -> Value {
        self.graph.node.push(NodeProto {
            name: Some(name.to_owned()),
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: vec![name.to_owned()],
            op_type: Some(operator.to_owned()),
            attribute,
            ..NodeProto::default()
        });
        Value(name.to_owned())
    }

    fn has_weight(&self, name: &str) -> bool {
        let named = |tensor: &TensorProto| tensor.name.as_deref() == Some(name);
        self.graph.initializer.iter().any(named)
    }

    fn weight(&mut self, name: String, shape: &[usize], data: &[f32]) -> Value {
        // Room for all at once: VGG's largest weights are 411 MB, and a growing vector would hold twice that.
        let mut bytes = Vec::with_capacity(size_of_val(data));
        for number in data {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        self.graph.initializer.push(TensorProto {
            dims: signed(shape),
            data_type: Some(DataType::FLOAT),
            raw_data: Some(RefCell::new(bytes)),
            name: Some(name.clone()),
            ..TensorProto::default()
        });
        Value(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Tensor;

    fn model() -> ModelProto {
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
        graph.finish(&features, &[1])
    }

    #[test]
    fn nodes_follow_each_other() {
        let graph = model().graph.unwrap();
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
        let graph = model().graph.unwrap();
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
        let graph = graph.finish(&sums, &[3]).graph.unwrap();
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
        let graph = model().graph.unwrap();
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
