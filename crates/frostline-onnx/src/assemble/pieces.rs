//! The parts of a network that are new: converting nodes, targets, and both ends.

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, NodeProto, TensorProto, TensorShapeProto,
    TypeProto, TypeProtoTensor, ValueInfoProto,
};

use super::super::graph::Dim;

pub(super) fn cast([from, to]: [&str; 2], element: i32) -> NodeProto {
    let attribute = AttributeProto {
        name: Some("to".to_owned()),
        i: Some(element.into()),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    };
    NodeProto {
        name: Some(format!("frostline.cast.{to}")),
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        op_type: Some("Cast".to_owned()),
        attribute: vec![attribute],
        ..NodeProto::default()
    }
}

pub(super) fn integers(name: String, numbers: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![numbers.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: numbers.to_vec(),
        name: Some(name),
        ..TensorProto::default()
    }
}

pub(super) fn value_info(name: &str, dims: Option<&[Dim]>) -> ValueInfoProto {
    let dimension = |dim: &Dim| match dim {
        Dim::Fixed(length) => Dimension {
            dim_value: i64::try_from(*length).ok(),
            dim_param: None,
        },
        Dim::Free(name) => Dimension {
            dim_value: None,
            dim_param: (!name.is_empty()).then(|| name.clone()),
        },
    };
    let shape = dims.map(|dims| TensorShapeProto {
        dim: dims.iter().map(dimension).collect(),
    });
    let tensor_type = TypeProtoTensor {
        elem_type: Some(DataType::FLOAT),
        shape,
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
            ..TypeProto::default()
        }),
    }
}
