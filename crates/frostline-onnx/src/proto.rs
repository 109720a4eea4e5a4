//! Creates ONNX messages. Field numbers are those of `onnx.proto`.

use super::graph::{Dim, element};
use super::splice::Message;

/// The name that every graph must have. It does not depend on the file's, so that equal models yield
/// identical bytes.
pub(super) const GRAPH_NAME: &str = "backbone";

/// Attribute types, numbered as in `AttributeProto.AttributeType`.
pub(super) mod kind {
    pub(crate) const FLOAT: u64 = 1;
    pub(crate) const INT: u64 = 2;
    pub(crate) const STRING: u64 = 3;
    pub(crate) const TENSOR: u64 = 4;
    pub(crate) const FLOATS: u64 = 6;
    pub(crate) const INTS: u64 = 7;
}

/// Returns an attribute of one integer.
pub(super) fn int(name: &str, int: i64) -> Message {
    attribute(name, kind::INT, |attribute| attribute.int(3, int))
}

/// Returns an attribute of several integers.
pub(super) fn ints(name: &str, ints: &[i64]) -> Message {
    attribute(name, kind::INTS, |attribute| attribute.ints(8, ints))
}

/// Returns an attribute of one float.
pub(super) fn float(name: &str, float: f32) -> Message {
    attribute(name, kind::FLOAT, |attribute| attribute.float(2, float))
}

/// Returns an attribute of text.
pub(super) fn text(name: &str, text: &str) -> Message {
    attribute(name, kind::STRING, |attribute| attribute.text(4, text))
}

/// Returns the attribute `value` of a constant.
pub(super) fn value(tensor: Message) -> Message {
    attribute("value", kind::TENSOR, |attribute| {
        attribute.message(5, tensor);
    })
}

fn attribute(name: &str, kind: u64, add_value: impl FnOnce(&mut Message)) -> Message {
    let mut attribute = Message::default();
    attribute.text(1, name);
    add_value(&mut attribute);
    attribute.number(20, kind);
    attribute
}

/// Returns a node with one of ONNX's own operators.
pub(super) fn node(
    operator: &str,
    name: &str,
    inputs: &[&str],
    output: &str,
    attributes: Vec<Message>,
) -> Message {
    let mut node = Message::default();
    node.texts(1, inputs.iter().copied());
    node.text(2, output);
    node.text(3, name);
    node.text(4, operator);
    for attribute in attributes {
        node.message(5, attribute);
    }
    node
}

/// Returns a node that converts to an element type.
pub(super) fn cast(name: &str, [from, to]: [&str; 2], element: i32) -> Message {
    let to_element = int("to", element.into());
    node("Cast", name, &[from], to, vec![to_element])
}

/// Returns a tensor without its values.
pub(super) fn tensor(name: &str, dims: &[i64], element: i32) -> Message {
    let mut tensor = Message::default();
    tensor.ints(1, dims);
    tensor.int(2, element.into());
    tensor.text(8, name);
    tensor
}

/// Returns a tensor of `float32`.
pub(super) fn floats(name: &str, dims: &[i64], values: &[f32]) -> Message {
    let mut tensor = tensor(name, dims, element::FLOAT);
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    tensor.blob(9, bytes.collect());
    tensor
}

/// Returns a list of integers as a tensor.
pub(super) fn integers(name: &str, integers: &[i64]) -> Message {
    let mut tensor = Message::default();
    tensor.int(1, integers.len() as i64);
    tensor.int(2, element::INT64.into());
    tensor.packed(7, integers);
    tensor.text(8, name);
    tensor
}

/// Returns an input or output of `float32`.
pub(super) fn value_info(name: &str, dims: Option<&[Dim]>) -> Message {
    typed_info(name, element::FLOAT, dims, &[])
}

/// Returns an input or output. With a denotation for each of its axes, it is an image.
pub(super) fn typed_info(name: &str, element: i32, dims: Option<&[Dim]>, axes: &[&str]) -> Message {
    let (mut info, mut of_tensor) = (Message::default(), Message::default());
    of_tensor.int(1, element.into());
    if let Some(dims) = dims {
        let mut shape = Message::default();
        for (i, dim) in dims.iter().enumerate() {
            shape.message(1, dimension(dim, axes.get(i)));
        }
        of_tensor.message(2, shape);
    }
    let mut of_value = Message::default();
    of_value.message(1, of_tensor);
    if !axes.is_empty() {
        of_value.text(6, "IMAGE");
    }
    info.text(1, name);
    info.message(2, of_value);
    info
}

fn dimension(dim: &Dim, denotation: Option<&&str>) -> Message {
    let mut dimension = Message::default();
    match dim {
        Dim::Fixed(length) => dimension.number(1, *length),
        Dim::Free(name) if name.is_empty() => {}
        Dim::Free(name) => dimension.text(2, name),
    }
    dimension.texts(3, denotation.copied());
    dimension
}

/// Returns an entry of the model's metadata.
pub(super) fn entry(key: &str, value: &str) -> Message {
    let mut entry = Message::default();
    entry.text(1, key);
    entry.text(2, value);
    entry
}

/// Returns an operator set; without a domain, that of ONNX itself.
pub(super) fn opset(domain: Option<&str>, version: i64) -> Message {
    let mut opset = Message::default();
    if let Some(domain) = domain {
        opset.text(1, domain);
    }
    opset.int(2, version);
    opset
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ModelProto { ir_version: 8, graph { name: "backbone", node { output: "y", op_type: "Relu" } }, opset
    /// 13 }`.
    const EXPECTED: &[u8] = &[
        0x08, 8, 0x3a, 21, 0x12, 8, b'b', b'a', b'c', b'k', b'b', b'o', b'n', b'e', 0x0a, 9, 0x12,
        1, b'y', 0x22, 4, b'R', b'e', b'l', b'u', 0x42, 2, 0x10, 13,
    ];

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        let [mut model, mut graph, mut relu] = <[Message; 3]>::default();
        relu.text(2, "y");
        relu.text(4, "Relu");
        graph.text(2, GRAPH_NAME);
        graph.message(1, relu);
        model.number(1, 8);
        model.message(7, graph);
        model.message(8, opset(None, 13));
        assert_eq!(model.whole().to_bytes().unwrap(), EXPECTED);
    }
}
