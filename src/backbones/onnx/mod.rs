//! Writing networks as ONNX.

mod build;
mod float16;
mod write;

pub use self::build::{Conv, GraphBuilder, Value};
pub use self::float16::in_float16;
pub use self::write::write_model;
