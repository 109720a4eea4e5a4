//! Train image classifiers in seconds on frozen features.
//!
//! A pretrained network, the *backbone*, runs once on each image. The output of its last hidden layer, a
//! vector of hundreds or thousands of values, is the image's *features*. Training fits only a linear softmax
//! classifier, the *head*, on these features.
//!
//! The crate has two entry points. An [`Extractor`] computes the features of images:
//!
//! ```no_run
#![doc = include_str!("../examples/features.rs")]
//! ```
//!
//! A [`Classifier`] predicts the classes of images. It reads a head file written by `frostline fit-head` or
//! [`tasks::fit_head`](tasks::fit_head()):
//!
//! ```no_run
#![doc = include_str!("../examples/classify.rs")]
//! ```
//!
//! Both accept paths, the bytes of image files, and decoded pixels ([`Image`]). An image that cannot be used
//! does not make the call fail: its result contains a [`SkipReason`].
//!
//! # Modules
//!
//! | module | purpose |
//! |---|---|
//! | [`images`] | find images, decode them within limits, resize and crop them as torchvision does |
//! | [`backbones`] | describe networks, find ONNX Runtime, run a network on the CPU or a GPU |
//! | [`features`] | compute the features of images and store them on disk, keyed by image content |
//! | [`head`] | fit, evaluate and calibrate linear heads, on arrays alone |
//! | [`classifier`] | combine a head with the backbone of its features |
//! | [`labels`] | read and write files that say which class an image has |
//! | [`tasks`] | one function for each command of the program; none of them prints |
//! | [`allocator`] | a memory allocator for long-running programs |
//! | [`progress`] | report the progress of long tasks and stop them |
//! | [`error`] | the error types |
//!
//! Features, heads and decoded images are plain numbers and `ndarray` arrays, and heads are `linfa` models.
//! Both crates are re-exported in the versions used in signatures, as is `linfa_logistic`, whose models can
//! be converted to heads.
//!
//! # Requirements
//!
//! Backbones and ONNX Runtime are installed in the folder `FROSTLINE_HOME`; `frostline setup` sets it up.
//! From version 1.29 on, ONNX Runtime uploads usage data unless the environment variable
//! `ORT_DISABLE_TELEMETRY` is set before the process starts, so frostline refuses to start it without that
//! variable.
//!
//! # Cargo features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `cli` | yes | the program, and the [`tasks`] that download files |
//! | `report` | with `cli` | the task [`report`](tasks::report()) |
//! | `serve` | yes | the commands `frostline serve`, an HTTP server, and `frostline label` |
//! | `linfa-logistic` | with `cli` | the solver [`Linfa`](head::Solver::Linfa), and its models as heads |
//! | `heic` | yes | HEIC images |
//! | `avif` | yes | AVIF images |
//! | `jxl` | no | JPEG XL images |

pub mod allocator;
pub mod backbones;
mod caught;
mod classes;
pub mod classifier;
pub mod error;
pub mod features;
pub mod head;
#[cfg(feature = "serve")]
mod http;
pub mod images;
mod inputs;
#[cfg(feature = "serve")]
#[doc(hidden)]
pub mod label;
pub mod labels;
mod lock;
#[doc(hidden)]
pub mod outputs;
#[doc(hidden)]
pub mod phrases;
pub mod progress;
#[cfg(feature = "report")]
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod results;
mod seal;
#[cfg(feature = "serve")]
#[doc(hidden)]
pub mod serve;
#[doc(hidden)]
pub mod stamp;
pub mod tasks;
mod texts;
mod threads;
mod visible;
mod words;

pub use backbones::{Device, DeviceRequest, Home, Precision, RunOptions};
pub use classes::ClassIndex;
pub use classifier::{Classifier, Prediction, Unclassified, Verdict};
pub use error::{Error, Result};
pub use features::{Extractor, FeatureStore};
pub use head::{Evaluation, FitParams, HeadFile, LabelledFeatures, LinearHead, fit};
pub use images::{Image, Preprocessing, RgbImage, SkipReason};
pub use progress::Progress;

#[cfg(feature = "linfa-logistic")]
pub use linfa_logistic;
pub use {linfa, ndarray};
