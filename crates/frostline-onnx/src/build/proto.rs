//! ONNX's messages for shapes and attributes.

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, TensorShapeProto, TypeProto,
    TypeProtoTensor, ValueInfoProto,
};

use super::Value;

/// The name of the dimension that may have any size.
const BATCH: &str = "N";

/// A graph's input or output of shape (N, `shape`…).
pub(super) fn value_info(value: &Value, shape: &[usize]) -> ValueInfoProto {
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

pub(super) fn int(name: &str, value: usize) -> AttributeProto {
    let i = signed(&[value]).pop();
    AttributeProto {
        name: Some(name.to_owned()),
        i,
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    }
}

pub(super) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = signed(values);
    AttributeProto {
        name: Some(name.to_owned()),
        ints,
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }
}

/// ONNX counts in `i64`. Sizes of what lies in memory are smaller than its largest.
pub(super) fn signed(sizes: &[usize]) -> Vec<i64> {
    sizes
        .iter()
        .map(|&size| i64::try_from(size).unwrap_or(i64::MAX))
        .collect()
}
