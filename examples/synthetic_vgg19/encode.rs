//! A model's bytes as ONNX Runtime wants them: with a name for the graph.

use std::io::{self, Write};

use rten_onnx::onnx::{GraphProto, ModelProto};
use rten_onnx::protobuf::{
    EncodeMessage, ErrorKind, MessageWriter, ProtobufError, ValueWriter, WriteValue,
};

/// The name that every graph must have. It does not depend on the file's, so that equal models are equal
/// bytes.
const GRAPH_NAME: &str = "backbone";

/// Encodes a model. Equal models become equal bytes.
///
/// # Errors
/// Those of `out`.
pub(crate) fn encode_model(model: &ModelProto, out: impl Write) -> io::Result<()> {
    NamedModel(model)
        .encode(ValueWriter::new(out))
        .map_err(cause)
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
