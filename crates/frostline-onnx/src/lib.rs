//! ONNX files without a runtime, and weights of PyTorch.

pub mod architectures;
mod assemble;
mod batch;
mod build;
mod channels;
mod constants;
mod convolutions;
mod cut;
pub mod error;
mod external;
mod files;
mod float16;
mod graph;
mod input;
mod layer;
mod links;
mod outline;
mod penultimate;
mod proto;
mod read;
pub mod rewrite;
mod shapes;
pub mod sniff;
mod splice;
pub mod weights;
mod wire;

#[cfg(test)]
mod tests;

pub use self::assemble::CutFiles;
pub use self::build::{Conv, GraphBuilder, MaxPool, Value};
pub use self::channels::ChannelAxis;
pub use self::convolutions::Convolutions;
pub use self::cut::Cut;
pub use self::error::{Error, Result};
pub use self::files::Open;
pub use self::graph::Network;
pub use self::input::{Element, PictureInput};
pub use self::layer::LayerChoice;
pub use self::outline::Outline;
pub use self::splice::{Spliced, WriteError};
