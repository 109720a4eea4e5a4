//! ONNX files without a runtime, and weights of `PyTorch` that become ONNX files.
//!
//! A [`Network`] is a file that was read once: its nodes, and where the bytes of its tensors lie. Weights
//! stay on the disk, so that a file may be larger than memory. Everything else is a view of it:
//!
//! | call | gives |
//! |---|---|
//! | [`Network::outline`], [`Network::files`] | an overview of the file, and the files that it consists of |
//! | [`Network::cut`] | the part up to a layer, as a [`Spliced`] file made of ranges of the old one |
//! | [`Network::in_float16`] | the same network in float16 |
//! | [`Network::rewrite`] | the same network with operators of our own, and their layers |
//! | [`Network::channel_axis`] | which axis of a layer holds the channels |
//! | [`weights::read_state_dict`] | tensors out of a `.pth` or safetensors file; nothing in it is executed |
//! | [`architectures::Architecture::build`] | a network of these tensors, through [`GraphBuilder`] |
//!
//! Files come from strangers: depth, lengths and counts are bounded before memory is allocated, and what is
//! wrong is an [`Error`] that names the file. Fields that are not known here are kept in a cut. The crate
//! opens no file itself; whoever reads a network passes in how ([`Open`]), and writes what comes out:
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
//! println!("{} gives {}", cut.picture().name, cut.output());
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
mod external;
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
pub use self::cut::Cut;
pub use self::error::{Error, Result};
pub use self::graph::Network;
pub use self::input::{Element, PictureInput};
pub use self::layer::LayerChoice;
pub use self::outline::Outline;
pub use self::rewrite::Convolutions;
pub use self::splice::{Spliced, WriteError};
pub use self::wire::Open;
