//! Encodes a model with a graph name, which ONNX Runtime requires.

use std::io::{self, Write};

use rten_onnx::onnx::{GraphProto, ModelProto};
use rten_onnx::protobuf::{
    EncodeMessage, ErrorKind, MessageWriter, ProtobufError, ValueWriter, WriteValue,
};

/// The graph's name. It does not depend on the file name, so that equal models have equal bytes.
const GRAPH_NAME: &str = "backbone";

/// Encodes a model; equal models have equal bytes.
///
/// # Errors
/// If `out` cannot be written.
pub(crate) fn encode_model(model: &ModelProto, out: impl Write) -> io::Result<()> {
    NamedModel(model)
        .encode(ValueWriter::new(out))
        .map_err(cause)
}

fn cause(error: ProtobufError) -> io::Error {
    match error.kind() {
        // The cause cannot be moved out of the error, so only its kind and text are kept.
        ErrorKind::IoError(cause) => io::Error::new(cause.kind(), cause.to_string()),
        _ => io::Error::other(error),
    }
}

/// A model whose graph has a name, for which [`GraphProto`] has no field. Field numbers are `onnx.proto`'s.
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
