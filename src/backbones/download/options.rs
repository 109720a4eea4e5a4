//! Timeouts, minimum rate and proxies of a download.

use std::time::Duration;

use super::{Proxies, Token};

/// Timeouts, minimum rate and proxies of a download.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The timeout for opening a connection.
    pub connect: Duration,
    /// The timeout for a server that sends nothing.
    pub silence: Duration,
    /// The minimum rate. If a server is slower, the next URL continues with what has arrived.
    pub least: LeastRate,
    /// The pause between a lost connection and the next one to the same URL.
    pub pause: Duration,
    /// The longest wait that a server that limits requests is granted.
    pub most_wait: Duration,
    /// The proxies to use.
    pub proxies: Proxies,
    /// The user's token for one of the servers.
    pub token: Option<Token>,
}

/// The minimum rate of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeastRate {
    /// The number of bytes that have to arrive …
    pub bytes: u64,
    /// … within this time, at any pace.
    pub within: Duration,
}

impl Default for LeastRate {
    /// 1 KiB per second over a minute, at which even a small network takes hours.
    fn default() -> Self {
        Self {
            bytes: 60 << 10,
            within: Duration::from_mins(1),
        }
    }
}

impl Default for DownloadOptions {
    /// 30 seconds to connect, 60 seconds of silence, [`LeastRate::default`], a pause of 1 second, waits of at
    /// most a minute, no proxies and no token.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            silence: Duration::from_mins(1),
            least: LeastRate::default(),
            pause: Duration::from_secs(1),
            most_wait: Duration::from_mins(1),
            proxies: Proxies::default(),
            token: None,
        }
    }
}
