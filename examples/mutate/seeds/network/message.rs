//! ONNX's messages, with the fields that the seeds need.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, ValueWriter};

/// A node whose name is that of its first output.
pub(super) fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        name: Some(outputs[0].to_owned()),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: outputs.iter().map(ToString::to_string).collect(),
        op_type: Some(operator.to_owned()),
        ..NodeProto::default()
    }
}

pub(super) fn with_int(mut node: NodeProto, name: &str, int: i64) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        i: Some(int),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    });
    node
}

pub(super) fn with_ints(mut node: NodeProto, name: &str, ints: &[i64]) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        ints: ints.to_vec(),
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    });
    node
}

pub(super) fn with_float(mut node: NodeProto, name: &str, float: f32) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        f: Some(float),
        r#type: Some(AttributeType::FLOAT),
        ..AttributeProto::default()
    });
    node
}

/// A weight whose numbers are all the same.
pub(super) fn weight(name: &str, dims: &[i64], number: f32) -> TensorProto {
    let length = dims.iter().product::<i64>() as usize;
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        raw_data: Some(RefCell::new(number.to_le_bytes().repeat(length))),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

pub(super) fn numbers(name: &str, numbers: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![numbers.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: numbers.to_vec(),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

/// An input or output; `None` is a dimension of any length.
pub(super) fn info(name: &str, dims: &[Option<i64>]) -> ValueInfoProto {
    let dim = |&length: &Option<i64>| Dimension {
        dim_value: length,
        dim_param: length.is_none().then(|| "N".to_owned()),
    };
    let tensor_type = TypeProtoTensor {
        elem_type: Some(DataType::FLOAT),
        shape: Some(TensorShapeProto {
            dim: dims.iter().map(dim).collect(),
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

pub(super) fn model(
    ir_version: i64,
    opset: i64,
    node: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    input: Vec<ValueInfoProto>,
) -> ModelProto {
    ModelProto {
        ir_version: Some(ir_version),
        graph: Some(GraphProto {
            node,
            initializer,
            input,
            output: vec![info("prob", &[None, Some(5)])],
            ..GraphProto::default()
        }),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(opset),
        }],
        ..ModelProto::default()
    }
}

pub(super) fn bytes(model: &ModelProto) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = model.encode(ValueWriter::new(&mut bytes));
    written.expect("memory can be written to");
    bytes
}

/// A field of protobuf that is a message.
pub(super) fn field(number: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = message.len();
    while length > 0x7f {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    [&bytes, message].concat()
}
