//! Timeouts, least speed and proxies of a download.

use std::time::Duration;

use super::Proxies;

/// Timeouts, least speed and proxies of a download.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The longest time for a connection to come about.
    pub connect: Duration,
    /// The longest silence of a server.
    pub silence: Duration,
    /// What a place must bring; a slower one is left for the next, and what it brought is kept.
    pub least: LeastRate,
    /// Between a connection that broke off and the next one to the same place.
    pub pause: Duration,
    /// The proxies to go through.
    pub proxies: Proxies,
}

/// The least speed of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeastRate {
    /// So many bytes …
    pub bytes: u64,
    /// … within this time, however they are spread over it.
    pub within: Duration,
}

impl Default for LeastRate {
    /// 1 KiB a second over a minute: hours even for a small network.
    fn default() -> Self {
        Self {
            bytes: 60 << 10,
            within: Duration::from_mins(1),
        }
    }
}

impl Default for DownloadOptions {
    /// Half a minute to connect, a minute of silence, [`LeastRate::default`], no proxies.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            silence: Duration::from_mins(1),
            least: LeastRate::default(),
            pause: Duration::from_secs(1),
            proxies: Proxies::default(),
        }
    }
}
