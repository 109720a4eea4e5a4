//! Networks on the Hugging Face hub: `hf:OWNER/NAME[@REVISION][/FILE]`.
//!
//! A repository is pinned to a commit when it is opened, and its files are checked with the size and SHA-256
//! that the hub has for them. A repository that is in the local cache of the hub's own tools is read from
//! there, without network.

mod cache;
mod choice;
mod fault;
mod listing;
mod model;
mod open;
mod repository;
mod requests;
mod save;
mod settings;

pub use self::model::HubModel;
pub use self::repository::HubRepository;
pub use self::save::Saved;
pub use self::settings::Hub;
