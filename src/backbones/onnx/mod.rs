//! Writing networks as ONNX.

mod build;
mod write;

pub use self::build::{Conv, GraphBuilder, MaxPool, Value};
pub use self::write::write_model;
