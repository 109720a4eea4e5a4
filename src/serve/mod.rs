//! An HTTP server for heads: `frostline serve`.
//!
//! `server` accepts connections and stops; `routes` leads a request through `guard` (who may ask) and
//! `limits` (how much) to a protocol: `v1` for people and the `page`, `v2` for inference clients. Both ask
//! `classify`, which passes the images of a request to the network of their `Model` and
//! waits for the features. Networks are shared by heads on the same features, and form batches over all
//! requests (`features/pipeline/live.rs`). `models` holds the heads that are served, and `loading` replaces
//! them while requests run.
//!
//! Nothing here prints: a [`Host`] receives [`Event`]s, and tells when to reload and when to stop.

mod app;
mod bounded;
mod classify;
mod events;
#[doc(hidden)]
pub mod fuzz;
mod gallery;
mod guard;
mod limits;
mod loading;
mod metrics;
mod models;
mod networks;
mod openapi;
mod options;
mod page;
mod results;
mod routes;
mod server;
mod source;
mod token;
mod v1;
mod v2;
mod watch;

pub use events::{Event, Host};
pub use options::{GalleryOptions, ServeLimits, ServeOptions};
pub use server::serve;
pub use source::HeadSource;
pub use token::Token;
