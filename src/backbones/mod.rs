//! Pretrained networks: what is known of them, where they lie, and running them.

mod backbone;
mod backbone_file;
mod checksum;
mod device;
#[cfg(feature = "cli")]
mod download;
mod frozen;
#[doc(hidden)]
pub mod fuzz;
mod home;
mod known_checksums;
mod library;
mod manifest;
mod network_error;
pub mod onnx;
mod overrides;
mod registry;
mod run_options;
mod runtime;
mod spec;

pub use backbone::Backbone;
pub use backbone_file::BackboneFile;
pub(crate) use checksum::Checksum;
pub use device::{Device, DeviceRequest, Precision, has_nvidia_gpu};
#[cfg(feature = "cli")]
pub use download::{Download, DownloadOptions, Fetched, KnownFile, LeastRate, Proxies};
pub(crate) use frostline_onnx::sniff;
pub use frostline_onnx::{Convolutions, Outline, architectures};
pub use frozen::Frozen;
pub use home::{ALLOW_SHARED, Home};
pub use library::{NO_TELEMETRY, Origin, RuntimeLibrary};
pub use manifest::{BackboneManifest, FeatureLayer, Pool, Source};
pub use overrides::{Overrides, Preset};
pub(crate) use registry::is_file_name;
pub use registry::{DEFAULT_BACKBONE, Installed, Listing, Registry};
pub use run_options::RunOptions;
pub use runtime::{OnnxBackbone, available_providers};
pub use spec::{BackboneId, Decoding, Engine, FeatureSpec};
