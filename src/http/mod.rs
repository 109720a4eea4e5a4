//! What the HTTP servers share: connections with timers, what the headers of a request say about the page it
//! comes from, and problems as replies.

mod accept;
mod connection;
mod headers;
mod problem;

pub(crate) use accept::{Acceptor, Listening, accept};
pub(crate) use connection::Client;
pub(crate) use headers::{host_of, is_of_other_site, protect, repeated};
pub(crate) use problem::{Problem, ProblemBody, Refused, panicked};

/// The number of threads for connections. They parse and wait; networks and heads have their own threads.
pub(crate) const IO_THREADS: usize = 2;
