//! Train an image classifier in seconds on frozen features.
//!
//! A pretrained network, the *backbone*, runs once over each image. Its last inner layer gives the image's
//! *features*, some hundred or thousand numbers. A linear softmax classifier, the *head*, is trained on them.
//!
//! There are two doors. An [`Extractor`] turns images into features:
//!
//! ```no_run
#![doc = include_str!("../examples/features.rs")]
//! ```
//!
//! A [`Classifier`] turns images into classes. Its head is a file that `frostline fit-head` or
//! [`tasks::fit_head`](tasks::fit_head()) wrote:
//!
//! ```no_run
#![doc = include_str!("../examples/classify.rs")]
//! ```
//!
//! Both take paths, the bytes of image files, and decoded pixels ([`Image`]). An image that cannot be used is
//! a result and not an error: it has a [`SkipReason`].
//!
//! # Below the doors
//!
//! | module | what it does |
//! |---|---|
//! | [`images`] | finds images, decodes them within limits, resizes and crops as torchvision does |
//! | [`backbones`] | knows networks, finds ONNX Runtime, runs a network on the CPU or a GPU |
//! | [`features`] | turns images into features, and keeps them on disk by the images' content |
//! | [`head`] | fits, evaluates and calibrates linear heads: numbers in, numbers out |
//! | [`classifier`] | joins a head with the backbone of its features |
//! | [`tasks`] | has one function for each command of the program; none of them prints |
//! | [`progress`] | says how far a long task is, and asks it to stop |
//! | [`error`] | says what can go wrong |
//!
//! Features, heads and pictures are plain numbers and `ndarray` arrays, and heads are models of `linfa`.
//! Both crates are re-exported in the version that the signatures use, with `linfa_logistic`, whose models
//! become heads.
//!
//! # What must be installed
//!
//! Backbones and ONNX Runtime are looked for in the folder `FROSTLINE_HOME`, which `scripts/setup.sh` fills.
//! ONNX Runtime uploads usage data unless `ORT_DISABLE_TELEMETRY` is set before the process starts, and is
//! not loaded without it.
//!
//! # Cargo features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `cli` | yes | the program, [`tasks::report`](tasks::report()) and [`tasks::pull`](tasks::pull()) |
//! | `linfa-logistic` | with `cli` | the solver [`Linfa`](head::Solver::Linfa), and its models as heads |
//! | `heic` | yes | HEIC photos |
//! | `avif` | yes | AVIF pictures |
//! | `jxl` | no | JPEG XL pictures |

pub mod backbones;
mod caught;
mod classes;
pub mod classifier;
pub mod error;
pub mod features;
pub mod head;
pub mod images;
mod inputs;
mod lock;
#[doc(hidden)]
pub mod outputs;
#[doc(hidden)]
pub mod phrases;
pub mod progress;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod report;
mod seal;
#[doc(hidden)]
pub mod stamp;
pub mod tasks;
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
