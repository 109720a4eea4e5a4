//! Train an image classifier in seconds on frozen features.
//!
//! A pretrained network, the backbone, runs once over each image. Its last inner layer gives the features, a
//! few hundred or thousand numbers. A linear softmax head is trained on them.
//!
//! # Features of images
//!
//! ```no_run
#![doc = include_str!("../examples/features.rs")]
//! ```
//!
//! # Classes of images
//!
//! The head is a file that `frostline fit-head` or [`tasks::fit_head`] wrote.
//!
//! ```no_run
#![doc = include_str!("../examples/classify.rs")]
//! ```
//!
//! Both take paths, the bytes of image files, and decoded pixels ([`Image`]). Backbones and ONNX Runtime are
//! looked for in `FROSTLINE_HOME`; `scripts/setup.sh` fills it. ONNX Runtime uploads usage data unless
//! `ORT_DISABLE_TELEMETRY` is in the environment before the process starts, and is not loaded without it.
//!
//! # The rungs below
//!
//! | module | what it does |
//! |---|---|
//! | [`images`] | finds images, decodes them within limits, resizes and crops as torchvision does |
//! | [`backbones`] | knows networks, finds ONNX Runtime, runs a network on the CPU or a GPU |
//! | [`features`] | turns images into features, and keeps them on disk by the images' content |
//! | [`head`] | fits, evaluates and calibrates linear heads: numbers in, numbers out |
//! | [`classifier`] | a head with the backbone of its features |
//! | [`tasks`] | one function for each command of the program; each takes its options and never prints |
//! | [`progress`] | how a long task says how far it is, and is asked to stop |
//! | [`error`] | what can go wrong |
//!
//! A bad image is a result, not an error. Features, heads and pictures are plain numbers and `ndarray` arrays
//! ([`ndarray`] is re-exported), and heads are models of [`linfa`].

pub mod error;

mod caught;
mod classes;
mod inputs;
mod lock;
#[doc(hidden)]
pub mod outputs;
#[doc(hidden)]
pub mod phrases;
pub mod progress;
mod seal;
#[doc(hidden)]
pub mod stamp;
mod visible;
mod words;

pub mod images;

pub mod backbones;

pub mod features;
pub mod head;

pub mod classifier;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod report;

pub mod tasks;

pub use backbones::{Device, DeviceRequest, Home, Precision, RunOptions};
pub use classes::ClassIndex;
pub use classifier::{Classifier, Prediction, Unclassified, Verdict};
pub use error::{Error, Result};
pub use features::{Extractor, FeatureStore};
pub use head::{Evaluation, FitParams, HeadFile, LabelledFeatures, LinearHead, fit};
pub use images::{Image, Preprocessing, RgbImage, SkipReason};
pub use progress::Progress;

pub use {linfa, linfa_logistic, ndarray};
