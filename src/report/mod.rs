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
mod gallery;
mod headline;
mod learning_curve;
mod marks;
mod number;
mod page;
mod per_class;
mod reliability;
mod scale;
mod search_table;
mod sheet;
mod worst;

pub use document::render;
#[cfg(feature = "serve")]
pub(crate) use document::{BASE_STYLE, csp_hash};
pub use gallery::worst_first;
pub use page::{
    Bin, Candidate, ClassRow, Curves, DataCare, Epoch, Figure, Measure, Neighbour, PICTURE_ROOM,
    Page, Photo, PhotoOutcome, Picture, Provenance, Reliability, Search, Suspect, Thumbnail, Unit,
};
pub use sheet::{SimilarSheet, render_sheet};
