//! Accepts connections until the server is to stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep};

use super::connection::{connect, refuse};

/// How often the acceptor is asked whether to stop.
const TICK: Duration = Duration::from_millis(50);
/// For how many ticks connections are still accepted after a request to stop. Requests that were sent before
/// it may not have been read yet, and hyper closes connections whose next request has not begun.
const SETTLING: u32 = 3;
/// The pause after the system could not accept a connection, for example for lack of open files.
const PAUSE: Duration = Duration::from_millis(100);
/// How many refused connections are answered at a time; others are closed without an answer.
const REFUSALS: usize = 64;

/// A listener with its limits.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    /// The largest number of connections.
    pub(crate) connections: usize,
    /// The longest time for sending the header of a request, and of waiting for a client that does not read.
    pub(crate) header_time: Duration,
}

/// Is told what happens while connections are accepted.
pub(crate) trait Acceptor: Sync {
    /// Returns whether to stop. It is called several times a second.
    fn is_stopped(&self) -> bool;
    /// A connection was refused, because there are too many.
    fn refused(&self) {}
    /// The system cannot accept connections; this is reported once until it can again.
    fn failed(&self, _error: &io::Error) {}
}

/// Accepts connections until the acceptor says to stop; the listener is closed shortly after.
pub(crate) async fn accept(
    listening: Listening,
    routes: Router,
    acceptor: &dyn Acceptor,
) -> GracefulShutdown {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(listening.connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut tick = interval(TICK);
    let (mut settling, mut failing) = (0, false);
    loop {
        tokio::select! {
            accepted = listening.listener.accept() => match accepted {
                Ok(accepted) => {
                    failing = false;
                    if let Ok(permit) = Arc::clone(&connections).try_acquire_owned() {
                        let time = listening.header_time;
                        connect(&graceful, routes.clone(), accepted, time, permit);
                    } else {
                        acceptor.refused();
                        refuse(accepted.0, &refusals);
                    }
                }
                Err(error) => {
                    // Told once, and not ten times a second until it is over.
                    if !failing {
                        acceptor.failed(&error);
                    }
                    failing = true;
                    sleep(PAUSE).await;
                }
            },
            _ = tick.tick() => {
                if acceptor.is_stopped() {
                    if settling == SETTLING {
                        return graceful;
                    }
                    settling += 1;
                }
            }
        }
    }
}
