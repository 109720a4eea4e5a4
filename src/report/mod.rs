//! The report: what is known of a head and of the images it was held against, as one HTML page that needs
//! nothing else.
//!
//! Pure data in, one string out: no file is read here and nothing is computed but where to draw. A section
//! whose data is absent is left out. Every text is taken for hostile: [`maud`] escapes what goes into the
//! page, the images' names go through JSON into `textContent`, and the page's own policy runs no script and
//! loads nothing but what is in it.

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
mod worst;

pub use document::render;
pub use gallery::worst_first;
pub use page::{
    Bin, Candidate, ClassRow, Curves, DataCare, Epoch, Figure, Measure, Neighbour, PICTURE_ROOM,
    Page, Photo, PhotoOutcome, Picture, Provenance, Reliability, Search, Suspect, Thumbnail, Unit,
};
