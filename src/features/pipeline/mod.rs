//! The pipeline: files → digests and pixels (threads) → batches → features (lanes) → sink, all in input order.

mod batches;
mod decoders;
mod images;
mod lanes;
mod meter;
mod prepare;
mod read_ahead;
mod run;
mod speed;
mod trial;

pub use images::{All, Named, Next, Source};
pub(super) use read_ahead::readers;
pub use run::{Item, Outcome, Picture, Pipeline, Sink};
pub use speed::{Bound, Reduced, Speed, Timings};
