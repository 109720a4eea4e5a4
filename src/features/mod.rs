//! Features: the vectors that a backbone computes from images, computed once and stored on disk.
//!
//! An [`Extractor`] computes features in memory. A [`FeatureStore`] is a folder of Arrow files written by
//! [`tasks::extract`](crate::tasks::extract()) or a [`StoreWriter`]. It identifies each image by the
//! [`Digest`] of its bytes, so a renamed file keeps its features and identical files share them. The
//! [`Index`] lists the images of the last run with their classes.
//!
//! ```no_run
//! use frostline::FeatureStore;
//!
//! let store = FeatureStore::open("features".as_ref())?;
//! let digests: Vec<_> = store.index().digests().collect();
//! let features = store.features(&digests)?;
//! println!("{} images with {} features each", features.nrows(), features.ncols());
//! # Ok::<(), frostline::Error>(())
//! ```

mod adoption;
mod arrow_file;
mod compact;
mod content;
mod directory;
mod divided;
mod dtype;
mod export;
mod extractor;
mod folder;
#[doc(hidden)]
pub mod fuzz;
mod identity;
mod index;
mod ledger;
mod manifest;
mod merge;
mod names;
mod one_run;
mod part;
mod pipeline;
mod position;
mod positions;
mod reader;
mod recognition;
mod record;
mod remembered;
mod request;
mod roots;
mod shard_record;
mod source;
mod stamps;
mod status;
mod store;
mod stretches;
mod worker;
mod writer;

pub use compact::{CompactOptions, CompactReport, compact};
pub use content::{Content, Digest, Picture};
pub use directory::Directory;
pub use dtype::Dtype;
#[doc(hidden)]
pub use export::record_batch;
pub use export::{ExportFormat, export};
pub use extractor::Extractor;
pub(crate) use identity::store_around;
pub use identity::{is_store, try_is_store};
pub use index::{Index, IndexRow};
pub use manifest::StoreManifest;
pub use merge::{MergeOptions, MergeReport, merge};
pub use part::Numbers;
pub use pipeline::{Bound, Reduced, Speed, Timings};
#[doc(hidden)]
pub use pipeline::{Images, Item, Known, Later, Outcome, Pipeline};
#[cfg(feature = "serve")]
pub(crate) use pipeline::{Input, Job, Live, Observer, Unanswered, Waiting, Wanted};
pub use recognition::Recognise;
#[cfg(feature = "report")]
pub(crate) use recognition::readers;
pub(crate) use recognition::recognised_by_content;
pub use roots::roots;
pub use shard_record::ShardRecord;
pub use source::Computing;
pub(crate) use source::{Computed, Done, Kept, Samples, Source};
pub use status::{RunStatus, ShardState, ShardStatus, status};
pub use store::FeatureStore;
#[doc(hidden)]
pub use store::Span;
pub use stretches::Stretches;
pub use worker::{Columns, Isolated, Served};
#[doc(hidden)]
pub use worker::{Worker, isolate};
pub use writer::{Existing, StoreWriter};
