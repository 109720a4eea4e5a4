//! Building an ONNX graph out of the few operators that convolutional backbones need.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

use crate::backbones::weights::Tensor;

/// ONNX's file format of 2021, which every ONNX Runtime since 1.10 reads.
const IR_VERSION: i64 = 8;
/// Operators of ONNX 1.8.
const OPSET: i64 = 13;
/// The name of the dimension that may have any size.
const BATCH: &str = "N";

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

/// A two-dimensional convolution with a square kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// (out, in / groups, size, size).
    pub weight: Tensor,
    /// (out).
    pub bias: Tensor,
    /// The step between places of the kernel, both ways.
    pub stride: usize,
    /// Zeros put before and after, both ways.
    pub padding: (usize, usize),
    /// Into how many parts the channels are split: 1, or as many as there are channels.
    pub groups: usize,
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

    /// A convolution; its output is called `name`.
    pub fn conv(&mut self, name: &str, input: &Value, conv: &Conv) -> Value {
        let weight = self.weight(format!("{name}.weight"), &conv.weight);
        let bias = self.weight(format!("{name}.bias"), &conv.bias);
        let size = conv.weight.shape.last().copied().unwrap_or(1);
        let (before, after) = conv.padding;
        let attributes = vec![
            ints("dilations", &[1, 1]),
            int("group", conv.groups),
            ints("kernel_shape", &[size, size]),
            ints("pads", &[before, before, after, after]),
            ints("strides", &[conv.stride, conv.stride]),
        ];
        self.node("Conv", name, &[input, &weight, &bias], attributes)
    }

    /// min(max(x, 0), 6) of each element; its output is called `name`.
    pub fn relu6(&mut self, name: &str, input: &Value) -> Value {
        let bounds = [("relu6.min", 0.0), ("relu6.max", 6.0)].map(|(bound, number)| {
            let known = self
                .graph
                .initializer
                .iter()
                .any(|tensor| tensor.name.as_deref() == Some(bound));
            if known {
                return Value(bound.to_owned());
            }
            self.weight(
                bound.to_owned(),
                &Tensor {
                    shape: Vec::new(),
                    data: vec![number],
                },
            )
        });
        self.node("Clip", name, &[input, &bounds[0], &bounds[1]], Vec::new())
    }

    /// The sum of two values of one shape; its output is called `name`.
    pub fn add(&mut self, name: &str, left: &Value, right: &Value) -> Value {
        self.node("Add", name, &[left, right], Vec::new())
    }

    /// The mean over all positions, (N, C, H, W) to (N, C, 1, 1); its output is called `name`.
    pub fn global_average_pool(&mut self, name: &str, input: &Value) -> Value {
        self.node("GlobalAveragePool", name, &[input], Vec::new())
    }

    /// One row of numbers for each image, (N, …) to (N, D); its output is called `name`.
    pub fn flatten(&mut self, name: &str, input: &Value) -> Value {
        self.node("Flatten", name, &[input], vec![int("axis", 1)])
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

    fn weight(&mut self, name: String, tensor: &Tensor) -> Value {
        let bytes: Vec<u8> = tensor
            .data
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        self.graph.initializer.push(TensorProto {
            dims: signed(&tensor.shape),
            data_type: Some(DataType::FLOAT),
            raw_data: Some(RefCell::new(bytes)),
            name: Some(name.clone()),
            ..TensorProto::default()
        });
        Value(name)
    }
}

fn value_info(value: &Value, shape: &[usize]) -> ValueInfoProto {
    let batch = Dimension {
        dim_param: Some(BATCH.to_owned()),
        dim_value: None,
    };
    let fixed = signed(shape).into_iter().map(|size| Dimension {
        dim_value: Some(size),
        dim_param: None,
    });
    let shape = TensorShapeProto {
        dim: std::iter::once(batch).chain(fixed).collect(),
    };
    let tensor_type = TypeProtoTensor {
        elem_type: Some(DataType::FLOAT),
        shape: Some(shape),
    };
    ValueInfoProto {
        name: Some(value.0.clone()),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
            ..TypeProto::default()
        }),
    }
}

fn int(name: &str, value: usize) -> AttributeProto {
    let i = signed(&[value]).pop();
    AttributeProto {
        name: Some(name.to_owned()),
        i,
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    }
}

fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = signed(values);
    AttributeProto {
        name: Some(name.to_owned()),
        ints,
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }
}

/// ONNX counts in `i64`. Sizes of what lies in memory are smaller than its largest.
fn signed(sizes: &[usize]) -> Vec<i64> {
    sizes
        .iter()
        .map(|&size| i64::try_from(size).unwrap_or(i64::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
