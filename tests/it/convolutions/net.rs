//! Builds networks of any operators with seeded weights, node by node.

use std::cell::RefCell;
use std::path::Path;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto,
};

use crate::fuzz_seeds::onnx_messages::{bytes, info};

/// A network under construction; its input is `input`.
pub(super) struct Net {
    graph: GraphProto,
    opset: i64,
    numbers: Numbers,
}

/// An attribute's value.
#[derive(Clone)]
pub(super) enum Is<'a> {
    Int(i64),
    Ints(&'a [i64]),
    Float(f32),
    Text(&'a str),
}

impl Net {
    /// Creates a network whose input has these three lengths.
    pub(super) fn new(image: [i64; 3]) -> Self {
        let [a, b, c] = image;
        Self {
            graph: GraphProto {
                input: vec![info("input", DataType::FLOAT, &[-1, a, b, c])],
                ..GraphProto::default()
            },
            opset: 13,
            numbers: Numbers(1),
        }
    }

    pub(super) fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    /// Adds a weight with values in `mean ± spread`.
    pub(super) fn weight(&mut self, dims: &[i64], mean: f32, spread: f32) -> String {
        let len = dims.iter().product::<i64>();
        let numbers = (0..len).map(|_| mean + spread * self.numbers.next());
        let bytes = numbers.flat_map(f32::to_le_bytes).collect();
        self.tensor(dims, DataType::FLOAT, bytes)
    }

    /// Changes one value of a weight.
    pub(super) fn change(&mut self, weight: &str, at: usize, number: f32) {
        let mut all = self.graph.initializer.iter_mut();
        let weight = all.find(|known| known.name.as_deref() == Some(weight));
        let mut bytes = weight.unwrap().raw_data.as_ref().unwrap().borrow_mut();
        bytes[4 * at..][..4].copy_from_slice(&number.to_le_bytes());
    }

    /// Adds a scalar constant.
    pub(super) fn scalar(&mut self, number: f32) -> String {
        self.tensor(&[], DataType::FLOAT, number.to_le_bytes().to_vec())
    }

    /// Adds a constant list of integers.
    pub(super) fn integers(&mut self, numbers: &[i64]) -> String {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        self.tensor(&[numbers.len() as i64], DataType::INT64, bytes.collect())
    }

    fn tensor(&mut self, dims: &[i64], kind: DataType, bytes: Vec<u8>) -> String {
        let name = format!("weight{}", self.graph.initializer.len());
        self.graph.initializer.push(TensorProto {
            dims: dims.to_vec(),
            data_type: Some(kind),
            raw_data: Some(RefCell::new(bytes)),
            name: Some(name.clone()),
            ..TensorProto::default()
        });
        name
    }

    /// Adds a node and returns the name of its output: the operator and a number.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Is)],
    ) -> String {
        let output = format!("{}{}", operator.to_lowercase(), self.graph.node.len());
        self.graph.node.push(NodeProto {
            name: Some(output.clone()),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.clone()],
            op_type: Some(operator.to_owned()),
            attribute: attributes.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        output
    }

    /// Adds a 3 × 3 convolution with a bias, padded by one on each side by default.
    pub(super) fn conv(
        &mut self,
        input: &str,
        [from, to]: [i64; 2],
        more: &[(&str, Is)],
    ) -> String {
        let weight = self.conv_weight([from, to], 3);
        let bias = self.weight(&[to], 0.0, 0.5);
        let padded = [("pads", Is::Ints(&[1; 4]))];
        let more = if more.is_empty() { &padded } else { more };
        self.node("Conv", &[input, &weight, &bias], more)
    }

    /// Adds a weight that roughly keeps the magnitude of the values.
    pub(super) fn conv_weight(&mut self, [from, to]: [i64; 2], kernel: i64) -> String {
        let spread = (3.0 / (from * kernel * kernel) as f32).sqrt();
        self.weight(&[to, from, kernel, kernel], 0.0, spread)
    }

    pub(super) fn relu(&mut self, input: &str) -> String {
        self.node("Relu", &[input], &[])
    }

    pub(super) fn max_pool(&mut self, input: &str, more: &[(&str, Is)]) -> String {
        let pair = |name| (name, Is::Ints(&[2, 2]));
        let mut attributes = vec![pair("kernel_shape"), pair("strides")];
        attributes.extend(more.iter().map(|(name, value)| (*name, value.copied())));
        self.node("MaxPool", &[input], &attributes)
    }

    pub(super) fn norm(&mut self, input: &str, channels: i64) -> String {
        let scale = self.weight(&[channels], 1.0, 0.5);
        let shift = self.weight(&[channels], 0.0, 0.5);
        let mean = self.weight(&[channels], 0.0, 0.5);
        let variance = self.weight(&[channels], 1.0, 0.5);
        let inputs = [input, &scale, &shift, &mean, &variance];
        self.node(
            "BatchNormalization",
            &inputs,
            &[("epsilon", Is::Float(1e-3))],
        )
    }

    /// Adds `x Wᵀ + b`.
    pub(super) fn gemm(&mut self, input: &str, [from, to]: [i64; 2]) -> String {
        let weight = self.weight(&[to, from], 0.0, (3.0 / from as f32).sqrt());
        let bias = self.weight(&[to], 0.0, 0.5);
        self.node("Gemm", &[input, &weight, &bias], &[("transB", Is::Int(1))])
    }

    /// Moves the weights into the external file `weights`.
    pub(super) fn move_weights(&mut self, folder: &Path) {
        let mut data = Vec::new();
        for weight in &mut self.graph.initializer {
            let bytes = weight.raw_data.take().unwrap().into_inner();
            let entries = [
                ("location", "weights".to_owned()),
                ("offset", data.len().to_string()),
                ("length", bytes.len().to_string()),
            ];
            let entry = |(key, value): (&str, String)| StringStringEntryProto {
                key: Some(key.to_owned()),
                value: Some(value),
            };
            weight.external_data = entries.map(entry).to_vec();
            weight.data_location = Some(DataLocation::EXTERNAL);
            data.extend(bytes);
        }
        std::fs::write(folder.join("weights"), data).unwrap();
    }

    /// Writes the network with these outputs and their ranks; the lengths are left unspecified.
    pub(super) fn write(mut self, path: &Path, outputs: &[(&str, usize)]) {
        let outputs = outputs.iter();
        self.graph.output = outputs
            .map(|(name, rank)| info(name, DataType::FLOAT, &vec![-1; *rank]))
            .collect();
        let model = ModelProto {
            ir_version: Some(8),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto {
                domain: None,
                version: Some(self.opset),
            }],
            ..ModelProto::default()
        };
        std::fs::write(path, bytes(&model)).unwrap();
    }
}

impl Is<'_> {
    fn copied(&self) -> Is<'_> {
        match self {
            Is::Int(i) => Is::Int(*i),
            Is::Ints(ints) => Is::Ints(ints),
            Is::Float(f) => Is::Float(*f),
            Is::Text(text) => Is::Text(text),
        }
    }
}

fn attribute((name, value): &(&str, Is)) -> AttributeProto {
    let mut attribute = AttributeProto {
        name: Some((*name).to_owned()),
        ..AttributeProto::default()
    };
    let kind = match value {
        Is::Int(i) => {
            attribute.i = Some(*i);
            AttributeType::INT
        }
        Is::Ints(ints) => {
            attribute.ints = ints.to_vec();
            AttributeType::INTS
        }
        Is::Float(f) => {
            attribute.f = Some(*f);
            AttributeType::FLOAT
        }
        Is::Text(text) => {
            attribute.s = Some((*text).to_owned());
            AttributeType::STRING
        }
    };
    attribute.r#type = Some(kind);
    attribute
}

/// Pseudo-random numbers between −1 and 1, the same on every machine.
pub(super) struct Numbers(pub(super) u32);

impl Numbers {
    pub(super) fn next(&mut self) -> f32 {
        // A linear congruential generator; its high bits are the most random (Knuth, TAOCP 2, 3.3.4).
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1_u32 << 23) as f32 - 1.0
    }
}
