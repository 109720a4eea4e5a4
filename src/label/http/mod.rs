//! The service over HTTP, on this machine only. A random token in the path, the name of the host and the
//! origin of a request keep other pages out.

mod body;
mod events;
mod files;
mod guard;
mod routes;
mod server;

pub use server::serve;
