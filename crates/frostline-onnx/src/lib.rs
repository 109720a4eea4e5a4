//! Reads, cuts and rewrites ONNX files without a runtime, and turns `PyTorch` weights into ONNX files.
//!
//! A [`Network`] is the parsed structure of a file: its nodes, and the positions of its tensors' bytes.
//! Weights stay on disk, so that a file may be larger than memory. Everything else is derived from it:
//!
//! | call | returns |
//! |---|---|
//! | [`Network::outline`], [`Network::files`] | an overview of the file, and the files it consists of |
//! | [`Network::cut`] | the part up to a layer, as a [`Spliced`] file made of ranges of the original |
//! | [`Cut::export`] | a cut with its preprocessing and a head: a whole classifier |
//! | [`Network::observed`] | the same network with the ranges of its tensors |
//! | [`Network::quantised`] | the same network in 8 bits |
//! | [`Network::in_float16`] | the same network in float16 |
//! | [`Network::rewrite`] | the same network with frostline's operators, and their layers |
//! | [`Network::channel_axis`] | the axis of a layer that holds the channels |
//! | [`Network::mixes_images`] | whether an image's features depend on the others of its batch |
//! | [`Network::normalises`] | the pixel values that a network normalises itself |
//! | [`Network::prefix_tokens`] | the number of class and register tokens of a layer |
//! | [`weights::Checkpoint::open`] | a `.pth` or safetensors file; nothing in it is executed |
//! | [`architectures::Architecture::find`] | the weights of a network in it |
//! | [`architectures::Architecture::build`] | the network with these weights, built by [`GraphBuilder`] |
//!
//! Files are untrusted: depth, lengths and counts are bounded before memory is allocated, and every problem
//! is an [`Error`] that names the file. A cut keeps unknown fields. The crate opens no file itself; the
//! caller says how to open one ([`Open`]), and writes the results:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::fs::File;
//! use std::path::Path;
//!
//! use frostline_onnx::{LayerChoice, Network};
//!
//! let network = Network::read(Path::new("vgg19.onnx"), |path| File::open(path))?;
//! let cut = network.cut(&LayerChoice::Penultimate)?;
//! println!("from {} to {}", cut.image_input().name, cut.output());
//! let files = cut.files("cut.onnx.data")?;
//! std::fs::write("cut.onnx", files.model.to_bytes()?)?;
//! # Ok(())
//! # }
//! ```

pub mod architectures;
mod assemble;
mod batch;
mod build;
mod channels;
mod constants;
mod cut;
pub mod error;
pub mod export;
mod external;
mod float16;
mod graph;
mod input;
mod layer;
mod links;
mod normalised;
mod outline;
mod penultimate;
mod proto;
mod read;
pub mod rewrite;
mod shapes;
pub mod sniff;
mod splice;
mod tokens;
pub mod weights;
mod wire;

#[cfg(test)]
mod tests;

pub use self::assemble::CutFiles;
pub use self::batch::Batch;
pub use self::build::{Conv, GraphBuilder, MaxPool, Value};
pub use self::cut::Cut;
pub use self::error::{Error, Result};
pub use self::graph::Network;
pub use self::input::{Element, ImageInput};
pub use self::layer::LayerChoice;
pub use self::normalised::PixelRange;
pub use self::outline::Outline;
pub use self::rewrite::Convolutions;
pub use self::splice::{Spliced, WriteError};
pub use self::wire::Open;
