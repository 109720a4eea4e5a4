//! Backbones (pretrained networks): their manifests, where they are installed, and how they run.
//!
//! A [`Registry`] looks up a backbone by name in a [`Home`] (`FROSTLINE_HOME`). Its [`BackboneManifest`]
//! names the layer that holds the features and describes the preprocessing. [`OnnxBackbone`] runs the
//! network in ONNX Runtime; [`RunOptions`] set the [`Device`], the number of threads and the precision. A
//! [`FeatureSpec`] identifies features: two sets of features are comparable only if their specs match.
//!
//! ```no_run
//! use frostline::backbones::{Home, Registry};
//!
//! for backbone in Registry::new(Home::from_env()?).list().backbones {
//!     let manifest = backbone.manifest;
//!     println!("{}: {:?} features", manifest.name, manifest.features.num_features);
//! }
//! # Ok::<(), frostline::Error>(())
//! ```

mod backbone;
mod backbone_file;
mod bundle;
mod checksum;
mod device;
#[cfg(feature = "cli")]
mod download;
mod frozen;
#[doc(hidden)]
pub mod fuzz;
mod home;
#[cfg(feature = "cli")]
mod hub;
mod known_checksums;
mod library;
mod located;
mod manifest;
mod network_error;
#[doc(hidden)]
pub mod onnx;
mod overrides;
mod published;
mod registry;
mod run_options;
mod runtime;
mod site_packages;
mod spec;

pub use backbone::{Backbone, Forwarded};
pub use backbone_file::BackboneFile;
pub(crate) use bundle::{Bundle, temporary_folder, write as write_bundle};
pub(crate) use checksum::Checksum;
#[doc(hidden)]
pub use device::has_nvidia_gpu;
pub use device::{Device, DeviceRequest, Precision};
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use download::{Download, KnownFile};
#[cfg(feature = "cli")]
pub use download::{DownloadOptions, Fetched, LeastRate, Proxies, Token};
pub(crate) use frostline_onnx::sniff;
#[doc(inline)]
pub use frostline_onnx::{
    Convolutions, Element, LayerChoice, PixelRange,
    architectures::{Architecture, End, WeightsOf},
};
#[doc(hidden)]
pub use frozen::Frozen;
#[doc(hidden)]
pub use home::ALLOW_SHARED;
pub use home::Home;
#[cfg(feature = "cli")]
pub use hub::{Hub, HubModel, HubRepository, Saved};
#[doc(hidden)]
pub use library::NO_TELEMETRY;
pub use library::{Origin, RuntimeLibrary};
pub(crate) use located::Located;
pub use manifest::{BackboneManifest, FeatureLayer, Pool, Source};
pub use overrides::{Overrides, Preset};
pub use published::PublishedPreprocessing;
pub(crate) use registry::is_file_name;
pub use registry::{DEFAULT_BACKBONE, Installed, Listing, Registry};
pub use run_options::RunOptions;
pub use runtime::OnnxBackbone;
pub(crate) use runtime::{Outputs, PlainNetwork, Port, PortType, Values, available_providers};
#[doc(hidden)]
pub use site_packages::own_packages;
#[cfg(feature = "cli")]
pub(crate) use site_packages::python_packages;
pub use spec::{BackboneId, Decoding, Engine, FeatureSpec};
