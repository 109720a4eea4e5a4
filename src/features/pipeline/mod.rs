//! The pipeline: files → digests and pixels (threads) → batches → features (lanes), in input order.

mod batches;
mod decoders;
mod forward;
mod images;
mod item;
mod lanes;
#[cfg(feature = "serve")]
mod live;
mod meter;
mod prepare;
mod run;
mod speed;
mod trial;

pub(super) use images::Next;
pub use images::{Images, Later};
pub(super) use item::Taker;
pub use item::{Item, Known, Outcome};
#[cfg(feature = "serve")]
pub(crate) use live::{Input, Job, Live, Observer, Unanswered, Waiting, Wanted};
pub use run::Pipeline;
pub use speed::{Bound, Reduced, Speed, Timings};
