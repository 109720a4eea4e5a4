//! A local service to label images: `frostline label`.
//!
//! A [`Labeller`] owns the labels of a scan's images (`labelling`: the label file, its `journal`, and the
//! `history` of changes), computes their features in the background (`extraction`), and trains a head after
//! every action (`modelling`). `ranking` decides what is shown next. `http` answers the page.
//!
//! Nothing here prints: a [`LabelHost`] is told what happens, and says when to stop.

mod action;
mod analyses;
mod analysis;
mod check;
mod deed;
mod extraction;
mod file;
mod finish;
mod finished;
#[doc(hidden)]
pub mod fuzz;
mod grouping;
mod history;
mod http;
mod item;
mod journal;
mod labeller;
mod labelling;
mod model;
mod modelling;
mod options;
mod pictures;
mod progress;
mod rank;
mod refusal;
mod similar;
mod state;
mod tags;
mod thumbs;
mod trial;
mod try_picture;
mod vectors;
mod writing;

pub use finished::Finished;
pub use http::serve;
pub use labeller::{LabelEvent, LabelHost, Labeller};
pub use options::LabellerOptions;
