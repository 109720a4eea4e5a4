//! Train an image classifier in seconds on frozen features.
//!
//! A pretrained network runs once over each image ([`backbones`]), its features are kept on disk
//! ([`features`]), and a softmax head is trained on them ([`head`]). The modules are the stages of that
//! pipeline, in order; [`tasks`] holds one function for each verb of the command line.

pub mod error;

mod caught;
pub mod classes;
mod inputs;
mod lock;
#[doc(hidden)]
pub mod outputs;
#[doc(hidden)]
pub mod phrases;
pub mod progress;
mod seal;
pub mod stamp;
mod visible;
mod words;

pub mod images;

pub mod backbones;

pub mod features;
pub mod head;

pub mod classifier;

#[cfg(feature = "cli")]
pub mod report;

pub mod tasks;

pub use error::{Error, Result};
