//! VGG19 in the layout of the ONNX Model Zoo's `vgg19-7.onnx`.
//!
//! It has IR version 3, so all weights are among the graph's inputs; opset 7; the input `data` of
//! (1, 3, 224, 224) with a fixed batch size; `MXNet`'s names, a Flatten before each dense layer and Dropout
//! after the first two. Unlike the zoo's file, which ends at the logits `vgg0_dense2_fwd`, it has a softmax.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

use super::generator;

/// The first block's channels: 64 in VGG19, 4 in the narrow network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Width(pub(crate) usize);

impl Width {
    /// A sixteenth of the channels, also in the dense layers.
    pub(crate) const NARROW: Self = Self(4);
}

/// The convolutions of each block and their channels, as multiples of the first block's.
const BLOCKS: [(usize, usize); 5] = [(2, 1), (2, 2), (4, 4), (4, 8), (4, 8)];
/// Height and width of the last map.
const MAP: usize = 7;
const CLASSES: usize = 1000;

/// Builds the whole model, including its weights.
pub(crate) fn model(width: Width) -> ModelProto {
    let mut zoo = Zoo::default();
    zoo.inputs.push(value_info("data", &[1, 3, 224, 224]));
    let (x, channels) = zoo.convolutions(width);
    let y = zoo.dense_layers(x, channels * MAP * MAP, 64 * width.0);
    let y = zoo.node("Softmax", "vgg0_softmax_fwd", &[&y], Vec::new());
    let graph = GraphProto {
        node: zoo.nodes,
        input: zoo.inputs,
        output: vec![value_info(&y, &[1, CLASSES])],
        initializer: zoo.weights,
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: Some(3),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(7),
        }],
        producer_name: Some("frostline synthetic_vgg19: seeded weights, never trained".to_owned()),
        ..ModelProto::default()
    }
}

/// A graph under construction.
#[derive(Default)]
struct Zoo {
    nodes: Vec<NodeProto>,
    inputs: Vec<ValueInfoProto>,
    weights: Vec<TensorProto>,
}

impl Zoo {
    /// Adds the five blocks; returns the name and the channels of the last map.
    fn convolutions(&mut self, width: Width) -> (String, usize) {
        let (mut x, mut inputs) = ("data".to_owned(), 3);
        let (mut number, mut place) = (0, 0);
        for (block, (count, times)) in BLOCKS.into_iter().enumerate() {
            let outputs = times * width.0;
            for _ in 0..count {
                x = self.convolution(number, place, [outputs, inputs, 3, 3], &x);
                (inputs, number, place) = (outputs, number + 1, place + 2);
            }
            let attributes = vec![
                ints("kernel_shape", &[2, 2]),
                ints("pads", &[0, 0, 0, 0]),
                ints("strides", &[2, 2]),
            ];
            x = self.node(
                "MaxPool",
                &format!("vgg0_pool{block}_fwd"),
                &[&x],
                attributes,
            );
            place += 1;
        }
        (x, inputs)
    }

    /// Adds a convolution, given its number in the zoo's file and its index in torchvision's list of layers.
    fn convolution(&mut self, number: usize, place: usize, shape: [usize; 4], x: &str) -> String {
        let name = format!("vgg0_conv{number}");
        let [weight, bias] = self.layer(&name, &format!("features.{place}"), &shape);
        let attributes = vec![
            ints("dilations", &[1, 1]),
            int("group", 1),
            ints("kernel_shape", &[3, 3]),
            ints("pads", &[1, 1, 1, 1]),
            ints("strides", &[1, 1]),
        ];
        let sums = self.node(
            "Conv",
            &format!("{name}_fwd"),
            &[x, &weight, &bias],
            attributes,
        );
        self.node(
            "Relu",
            &format!("vgg0_relu{number}_fwd"),
            &[&sums],
            Vec::new(),
        )
    }

    fn dense_layers(&mut self, x: String, inputs: usize, features: usize) -> String {
        let layers = [
            ("flatten_72", "classifier.0", features, inputs),
            ("flatten_77", "classifier.3", features, features),
            ("flatten_82", "classifier.6", CLASSES, features),
        ];
        let mut x = x;
        for (number, (flatten, torchvision, outputs, inputs)) in layers.into_iter().enumerate() {
            let name = format!("vgg0_dense{number}");
            let flat = self.node("Flatten", flatten, &[&x], Vec::new());
            let [weight, bias] = self.layer(&name, torchvision, &[outputs, inputs]);
            let attributes = vec![
                float("alpha", 1.0),
                float("beta", 1.0),
                int("transA", 0),
                int("transB", 1),
            ];
            let fwd = format!("{name}_fwd");
            x = self.node("Gemm", &fwd, &[&flat, &weight, &bias], attributes);
            if number < 2 {
                let relu = format!("{name}_relu_fwd");
                x = self.node("Relu", &relu, &[&x], Vec::new());
                let dropout = format!("vgg0_dropout{number}_fwd");
                x = self.node("Dropout", &dropout, &[&x], vec![float("ratio", 0.5)]);
            }
        }
        x
    }

    /// Adds a layer's weight and bias and returns their names; their values are generated from torchvision's
    /// names.
    fn layer(&mut self, name: &str, torchvision: &str, shape: &[usize]) -> [String; 2] {
        let parts = [("weight", shape), ("bias", &shape[..1])];
        parts.map(|(part, shape)| {
            let numbers = generator::numbers(&format!("{torchvision}.{part}"), shape);
            // Allocated once: the largest weight has 411 MB, and a growing vector would take twice that.
            let mut bytes = Vec::with_capacity(shape.iter().product::<usize>() * size_of::<f32>());
            numbers.for_each(|number| bytes.extend(number.to_le_bytes()));
            let name = format!("{name}_{part}");
            self.inputs.push(value_info(&name, shape));
            self.weights.push(TensorProto {
                dims: signed(shape),
                data_type: Some(DataType::FLOAT),
                raw_data: Some(RefCell::new(bytes)),
                name: Some(name.clone()),
                ..TensorProto::default()
            });
            name
        })
    }

    /// Adds a node whose output has the node's name.
    fn node(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) -> String {
        self.nodes.push(NodeProto {
            name: Some(name.to_owned()),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.to_owned()],
            op_type: Some(operator.to_owned()),
            attribute,
            ..NodeProto::default()
        });
        name.to_owned()
    }
}

fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dims = signed(shape).into_iter().map(|size| Dimension {
        dim_value: Some(size),
        dim_param: None,
    });
    let tensor_type = TypeProtoTensor {
        elem_type: Some(DataType::FLOAT),
        shape: Some(TensorShapeProto {
            dim: dims.collect(),
        }),
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
            ..TypeProto::default()
        }),
    }
}

fn signed(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&size| size as i64).collect()
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(kind),
        ..AttributeProto::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        i: Some(value),
        ..attribute(name, AttributeType::INT)
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        ints: values.to_vec(),
        ..attribute(name, AttributeType::INTS)
    }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        f: Some(value),
        ..attribute(name, AttributeType::FLOAT)
    }
}
