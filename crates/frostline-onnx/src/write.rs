//! Writing a model to a file.

use std::io::{self, Write};

use rten_onnx::onnx::{GraphProto, ModelProto};
use rten_onnx::protobuf::{
    EncodeMessage, ErrorKind, MessageWriter, ProtobufError, ValueWriter, WriteValue,
};

/// The name that every graph must have. It does not depend on the file's, so that equal models are equal bytes.
pub(super) const GRAPH_NAME: &str = "backbone";

/// Encodes a model. Equal models become equal bytes.
///
/// # Errors
/// Those of `out`.
pub fn encode_model(model: &ModelProto, out: impl Write) -> io::Result<()> {
    NamedModel(model)
        .encode(ValueWriter::new(out))
        .map_err(cause)
}

/// The bytes of a model.
///
/// # Panics
/// Never: memory does not fail to be written to.
pub(super) fn to_bytes(model: &ModelProto) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_model(model, &mut bytes).expect("a vector takes what is written to it");
    bytes
}

fn cause(error: ProtobufError) -> io::Error {
    match error.kind() {
        // The error keeps its cause to itself: kind and text are what can be had.
        ErrorKind::IoError(cause) => io::Error::new(cause.kind(), cause.to_string()),
        _ => io::Error::other(error),
    }
}

/// A model whose graph has a name, which [`GraphProto`] has no field for. Numbers are those of `onnx.proto`.
struct NamedModel<'a>(&'a ModelProto);

impl EncodeMessage for NamedModel<'_> {
    fn encode_fields<W: WriteValue>(
        &self,
        fields: &mut MessageWriter<W>,
    ) -> Result<(), ProtobufError> {
        let model = self.0;
        if let Some(version) = model.ir_version {
            fields.write_int64(1, version)?;
        }
        for (number, text) in [(2, &model.producer_name), (3, &model.producer_version)] {
            if let Some(text) = text {
                fields.write_string(number, text)?;
            }
        }
        if let Some(graph) = &model.graph {
            fields.write_message(7, &NamedGraph(graph))?;
        }
        fields.write_repeated_message(8, &model.opset_import)?;
        fields.write_repeated_message(14, &model.metadata_props)
    }
}

struct NamedGraph<'a>(&'a GraphProto);

impl EncodeMessage for NamedGraph<'_> {
    fn encode_fields<W: WriteValue>(
        &self,
        fields: &mut MessageWriter<W>,
    ) -> Result<(), ProtobufError> {
        fields.write_string(2, GRAPH_NAME)?;
        self.0.encode_fields(fields)
    }
}

#[cfg(test)]
mod tests {
    use rten_onnx::onnx::{NodeProto, OperatorSetIdProto};

    use super::*;

    /// `ModelProto { ir_version: 8, graph { name: "backbone", node { output: "y", op_type: "Relu" } }, opset 13 }`.
    const EXPECTED: &[u8] = &[
        0x08, 8, 0x3a, 21, 0x12, 8, b'b', b'a', b'c', b'k', b'b', b'o', b'n', b'e', 0x0a, 9, 0x12,
        1, b'y', 0x22, 4, b'R', b'e', b'l', b'u', 0x42, 2, 0x10, 13,
    ];

    fn model() -> ModelProto {
        let node = NodeProto {
            output: vec!["y".to_owned()],
            op_type: Some("Relu".to_owned()),
            ..NodeProto::default()
        };
        ModelProto {
            ir_version: Some(8),
            graph: Some(GraphProto {
                node: vec![node],
                ..GraphProto::default()
            }),
            opset_import: vec![OperatorSetIdProto {
                domain: None,
                version: Some(13),
            }],
            ..ModelProto::default()
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        assert_eq!(to_bytes(&model()), EXPECTED);
    }
}
