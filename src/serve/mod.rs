//! An HTTP server for heads: `frostline serve`.
//!
//! `server` accepts connections and stops; `routes` leads a request through `guard` (who may ask) and
//! `limits` (how much) to `v1`. It asks `classify`, which passes the images of a request to the network of
//! their [`Model`](models::Model) and waits for the features. Networks are shared by heads on the
//! same features and form batches over all requests (`features/pipeline/live.rs`). `models` holds the heads
//! that are served, and `loading` replaces them while requests run.
//!
//! Nothing here prints: a [`Host`] receives [`Event`]s, and tells when to reload and when to stop.

mod app;
mod classify;
mod events;
mod guard;
mod limits;
mod loading;
mod models;
mod networks;
mod options;
mod problem;
mod routes;
mod server;
mod token;
mod v1;

pub use events::{Event, Host};
pub use options::{HeadSource, ServeLimits, ServeOptions};
pub use server::serve;
pub use token::Token;
