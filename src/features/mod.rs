//! Features on disk: computed once for each image, kept by the image's content, read by training.

mod adoption;
mod arrow_file;
mod content;
mod dtype;
mod export;
mod extractor;
mod folder;
#[doc(hidden)]
pub mod fuzz;
mod identity;
mod index;
mod manifest;
mod names;
mod part;
mod pipeline;
mod reader;
mod recognition;
mod source;
mod stamps;
mod store;
mod stretches;
mod writer;

pub use content::{Content, Digest, Picture};
pub use dtype::Dtype;
pub use export::{ExportFormat, export};
pub use extractor::Extractor;
pub use identity::{is_store, store_around};
pub use index::{Index, IndexRow};
pub use manifest::StoreManifest;
pub use part::Numbers;
pub use pipeline::{Bound, Images, Item, Known, Outcome, Pipeline, Reduced, Speed, Taker, Timings};
pub use reader::FeatureReader;
pub use recognition::{Recognise, Recognised};
pub use source::{Computed, Computing, Done, Kept, Samples, Source, Taking};
pub use store::FeatureStore;
pub use stretches::Stretches;
pub use writer::{Existing, StoreWriter};
