//! ONNX messages with the fields that tests and fuzzing seeds need; `examples/mutate` and
//! `src/backbones/fuzz.rs` include this file, too.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, ValueWriter};

/// Returns a node with the name of its first output.
pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        name: Some(outputs[0].to_owned()),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: outputs.iter().map(ToString::to_string).collect(),
        op_type: Some(operator.to_owned()),
        ..NodeProto::default()
    }
}

pub(crate) fn with_int(mut node: NodeProto, name: &str, int: i64) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        i: Some(int),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    });
    node
}

pub(crate) fn with_ints(mut node: NodeProto, name: &str, ints: &[i64]) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        ints: ints.to_vec(),
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    });
    node
}

pub(crate) fn with_float(mut node: NodeProto, name: &str, float: f32) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        f: Some(float),
        r#type: Some(AttributeType::FLOAT),
        ..AttributeProto::default()
    });
    node
}

pub(crate) fn with_graph(mut node: NodeProto, name: &str, graph: GraphProto) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        g: Some(graph),
        r#type: Some(AttributeType::GRAPH),
        ..AttributeProto::default()
    });
    node
}

/// Returns a weight whose values are all the same.
pub(crate) fn weight(name: &str, dims: &[i64], number: f32) -> TensorProto {
    let length = dims.iter().product::<i64>() as usize;
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        raw_data: Some(RefCell::new(number.to_le_bytes().repeat(length))),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

pub(crate) fn numbers(name: &str, numbers: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![numbers.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: numbers.to_vec(),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

/// Returns an input, output or weight; a negative length means any length.
pub(crate) fn info(name: &str, element: DataType, dims: &[i64]) -> ValueInfoProto {
    let dim = |&length: &i64| Dimension {
        dim_value: (length >= 0).then_some(length),
        dim_param: (length < 0).then(|| "N".to_owned()),
    };
    let tensor_type = TypeProtoTensor {
        elem_type: Some(element),
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

pub(crate) fn model(
    ir_version: i64,
    opset: i64,
    node: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    input: Vec<ValueInfoProto>,
    output: Vec<ValueInfoProto>,
) -> ModelProto {
    ModelProto {
        ir_version: Some(ir_version),
        graph: Some(GraphProto {
            node,
            initializer,
            input,
            output,
            ..GraphProto::default()
        }),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(opset),
        }],
        ..ModelProto::default()
    }
}

/// Returns a network like those of the Model Zoo: format 3 with weights among the inputs, opset 7, and a
/// fixed batch in its input and in a reshape. Convolution, mean, `features`, dropout, classifier, softmax.
pub(crate) fn zoo(batch: i64) -> ModelProto {
    let nodes = vec![
        node("Conv", &["data", "conv.w"], &["conv"]),
        node("GlobalAveragePool", &["conv"], &["pool"]),
        node("Reshape", &["pool", "target"], &["flat"]),
        with_int(
            node("Gemm", &["flat", "fc1.w", "fc1.b"], &["fc1"]),
            "transB",
            1,
        ),
        node("Relu", &["fc1"], &["features"]),
        node("Dropout", &["features"], &["dropped", "mask"]),
        with_int(
            node("Gemm", &["dropped", "fc2.w", "fc2.b"], &["fc2"]),
            "transB",
            1,
        ),
        node("Softmax", &["fc2"], &["prob"]),
    ];
    let weights = vec![
        weight("conv.w", &[8, 3, 2, 1], 0.25),
        numbers("target", &[batch, 8]),
        weight("fc1.w", &[6, 8], 0.5),
        weight("fc1.b", &[6], 0.125),
        weight("fc2.w", &[5, 6], 77.0),
        weight("fc2.b", &[5], 99.0),
    ];
    let mut inputs = vec![info("data", DataType::FLOAT, &[batch, 3, 9, 9])];
    inputs.extend(weights.iter().map(|weight| {
        let name = weight.name.as_deref().unwrap_or_default();
        info(
            name,
            weight.data_type.unwrap_or(DataType::FLOAT),
            &weight.dims,
        )
    }));
    let output = info("prob", DataType::FLOAT, &[batch, 5]);
    model(3, 7, nodes, weights, inputs, vec![output])
}

pub(crate) fn bytes(model: &ModelProto) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = model.encode(ValueWriter::new(&mut bytes));
    written.expect("writes to memory cannot fail");
    bytes
}
