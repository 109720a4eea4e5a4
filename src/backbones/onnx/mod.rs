//! Networks as ONNX files: building and writing them, reading and cutting them.

mod assemble;
mod batch;
mod build;
mod channels;
mod constants;
mod cut;
mod doors;
mod external;
mod files;
mod float16;
mod graph;
mod input;
mod layer;
mod links;
mod outline;
mod penultimate;
mod read;
pub(super) mod rewrite;
mod shapes;
mod splice;
mod wire;
mod write;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use self::assemble::CutFiles;
pub use self::build::{Conv, GraphBuilder, MaxPool, Value};
pub use self::channels::{ChannelAxis, channel_axis};
pub use self::cut::{Cut, Network};
pub(crate) use self::doors::files_of;
pub use self::doors::{open, read_network, read_outline, write_cut, write_model};
pub use self::files::Open;
pub use self::float16::in_float16;
pub use self::input::{Element, PictureInput};
pub use self::layer::LayerChoice;
pub use self::outline::Outline;
pub use self::splice::{Spliced, WriteError};
pub use self::write::encode_model;
