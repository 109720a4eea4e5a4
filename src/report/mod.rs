//! The evaluation report of a head, as a self-contained HTML page.
//!
//! Plain data in, one string out: this module reads no files and computes only the layout. Sections without
//! data are omitted. All texts are treated as untrusted: [`maud`] escapes them, image names reach the page as
//! JSON and `textContent`, and the page's Content Security Policy allows only its own script and style and
//! images embedded in the page.

mod care;
mod chart;
mod confusion;
mod curves;
mod document;
mod findings;
mod gallery;
mod gallery_data;
mod headline;
mod learning_curve;
mod marks;
mod number;
mod page;
mod per_class;
mod photo;
mod reliability;
mod scale;
mod search_table;
mod sheet;
mod thumbnail;
mod training;
mod versus;
mod worst;

pub use document::render;
#[cfg(feature = "serve")]
pub(crate) use document::{BASE_STYLE, csp_hash};
pub use findings::{DataCare, Duplicate, DuplicateGroup, Origin, Suspect};
pub use page::{
    Bin, Candidate, ClassRow, Curves, Epoch, Figure, HeadComparison, Measure, PICTURE_ROOM, Page,
    Provenance, Reliability, Search, Unit,
};
pub use photo::{Neighbour, OtherPrediction, Photo, PhotoOutcome, Picture, Thumbnail, worst_first};
pub use sheet::{SimilarSheet, render_sheet};
