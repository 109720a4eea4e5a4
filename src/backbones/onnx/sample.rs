//! Small networks for the tests of cutting.

use std::cell::RefCell;
use std::path::PathBuf;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, ValueReader, ValueWriter};

use super::{Cut, Network};

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

pub(super) fn with_int(mut node: NodeProto, name: &str, i: i64) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        i: Some(i),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    });
    node
}

pub(super) fn with_graph(mut node: NodeProto, name: &str, graph: GraphProto) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        g: Some(graph),
        r#type: Some(AttributeType::GRAPH),
        ..AttributeProto::default()
    });
    node
}

/// A weight whose numbers are all `value`.
pub(super) fn weight(name: &str, dims: &[i64], value: f32) -> TensorProto {
    let len = dims.iter().product::<i64>() as usize;
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        raw_data: Some(RefCell::new(value.to_le_bytes().repeat(len))),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

pub(super) fn shape(name: &str, numbers: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![numbers.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: numbers.to_vec(),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

pub(super) fn info(name: &str, element: DataType, dims: &[i64]) -> ValueInfoProto {
    let dim = |&length: &i64| Dimension {
        dim_value: Some(length),
        dim_param: None,
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

/// A network as the Model Zoo has them: format 3 with its weights among the inputs, opset 7, and a batch of 1 in its
/// input and in a reshape. Convolution, mean, `features`, dropout, classifier, softmax.
pub(super) fn zoo() -> ModelProto {
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
        shape("target", &[1, 8]),
        weight("fc1.w", &[6, 8], 0.5),
        weight("fc1.b", &[6], 0.125),
        weight("fc2.w", &[5, 6], 77.0),
        weight("fc2.b", &[5], 99.0),
    ];
    let mut inputs = vec![info("data", DataType::FLOAT, &[1, 3, 9, 9])];
    inputs.extend(weights.iter().map(|weight| {
        let name = weight.name.as_deref().unwrap();
        info(name, weight.data_type.unwrap(), &weight.dims)
    }));
    model(3, 7, nodes, weights, inputs, &["prob"])
}

pub(super) fn model(
    ir_version: i64,
    opset: i64,
    node: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    input: Vec<ValueInfoProto>,
    outputs: &[&str],
) -> ModelProto {
    let output = outputs
        .iter()
        .map(|name| info(name, DataType::FLOAT, &[1, 5]));
    ModelProto {
        ir_version: Some(ir_version),
        graph: Some(GraphProto {
            node,
            initializer,
            input,
            output: output.collect(),
            ..GraphProto::default()
        }),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(opset),
        }],
        ..ModelProto::default()
    }
}

/// A folder with a network in it.
pub(super) struct Written {
    pub(super) folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

pub(super) fn bytes_of(model: &ModelProto) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.encode(ValueWriter::new(&mut bytes)).unwrap();
    bytes
}

pub(super) fn written(model: &ModelProto) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.onnx");
    std::fs::write(&path, bytes_of(model)).unwrap();
    Written { folder, path }
}

/// What `use_it` makes of the network cut at `layer`.
pub(super) fn cut_with<T>(
    model: &ModelProto,
    layer: &str,
    use_it: impl FnOnce(crate::Result<Cut<'_>>) -> T,
) -> T {
    let written = written(model);
    let network = Network::read(&written.path).unwrap();
    use_it(network.cut(&layer.into()))
}

/// The network cut at `layer`, written and read again.
pub(super) fn cut(model: &ModelProto, layer: &str) -> ModelProto {
    cut_with(model, layer, |cut| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.onnx");
        assert_eq!(cut.unwrap().write(&path).unwrap(), None);
        parse(&std::fs::read(path).unwrap())
    })
}

/// What is said against cutting a network at `layer`.
pub(super) fn refusal(model: &ModelProto, layer: &str) -> String {
    cut_with(model, layer, |cut| {
        let error = cut.unwrap_err();
        format!("{error}; {}", error.hint().unwrap_or_default())
    })
}

pub(super) fn parse(bytes: &[u8]) -> ModelProto {
    use rten_onnx::protobuf::DecodeMessage;
    ModelProto::decode(ValueReader::from_buf(bytes)).unwrap()
}

/// The operators of a network, with their inputs and outputs.
pub(super) fn nodes_of(graph: &GraphProto) -> Vec<String> {
    let text = |node: &NodeProto| {
        let operator = node.op_type.as_deref().unwrap();
        let [inputs, outputs] = [&node.input, &node.output].map(|names| names.join(" "));
        format!("{operator} {inputs} -> {outputs}")
    };
    graph.node.iter().map(text).collect()
}

pub(super) fn names_of(tensors: &[TensorProto]) -> Vec<&str> {
    tensors
        .iter()
        .map(|tensor| tensor.name.as_deref().unwrap())
        .collect()
}

pub(super) fn dims_of(info: &ValueInfoProto) -> Vec<String> {
    let tensor = info.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    let shape = tensor.shape.as_ref().unwrap();
    let dim = |dim: &Dimension| match (&dim.dim_param, dim.dim_value) {
        (Some(name), None) => name.clone(),
        (None, Some(length)) => length.to_string(),
        _ => "?".to_owned(),
    };
    shape.dim.iter().map(dim).collect()
}
