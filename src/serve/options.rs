//! What is served, to whom, and within which limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::source::HeadSource;
use super::token::Token;
use crate::backbones::RunOptions;
use crate::error::{Result, ServeError};
use crate::images::Limits;

/// Options of [`serve`](super::serve()).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServeOptions {
    /// The heads; each combination of name and version only once.
    pub heads: Vec<HeadSource>,
    /// A folder whose heads are served too, while they are there: `NAME.safetensors` and
    /// `NAME/VERSION.safetensors`, or bundles with the extension `frostline`.
    pub watch: Option<PathBuf>,
    /// How often to look into that folder.
    pub watch_interval: Duration,
    /// Training images to show next to classified ones.
    pub gallery: Option<GalleryOptions>,
    /// The address to listen on.
    pub bind: SocketAddr,
    /// What clients must send; required unless only this machine reaches the address or `insecure` is set.
    pub token: Option<Token>,
    /// Whether to serve other machines without a token.
    pub insecure: bool,
    /// How the networks are run. The number of threads also applies to decoding.
    pub run: RunOptions,
    /// Number of images per batch of the network, at least 1.
    pub batch_size: usize,
    /// The size limits of images.
    pub images: Limits,
    /// The longest time that an image waits for others to fill its batch.
    pub max_delay: Duration,
    /// The largest number of images that wait for a network.
    pub queue: usize,
    /// The limits of requests and connections.
    pub limits: ServeLimits,
    /// How long running requests may take after a request to stop.
    pub grace: Duration,
}

/// Training images to show next to classified ones.
#[derive(Debug, Clone)]
pub struct GalleryOptions {
    /// The store with their features.
    pub store: PathBuf,
    /// The folder with their files, for thumbnails.
    pub images: Option<PathBuf>,
}

/// Limits of requests and connections.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ServeLimits {
    /// The largest body of a request, in bytes.
    pub body: u64,
    /// The memory for the bodies of all running requests, in bytes; at least twice `body`.
    pub memory: u64,
    /// The largest number of images in a request.
    pub images: usize,
    /// The longest time for sending the header of a request.
    pub header_time: Duration,
    /// The longest time from the header of a request to its reply.
    pub request_time: Duration,
    /// The largest number of connections.
    pub connections: usize,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            body: 64 << 20,
            memory: 512 << 20,
            images: 64,
            header_time: Duration::from_secs(10),
            request_time: Duration::from_secs(30),
            connections: 256,
        }
    }
}

impl ServeOptions {
    /// Serves heads on 127.0.0.1:8080 with the default limits.
    #[must_use]
    pub fn new(heads: Vec<HeadSource>, run: RunOptions) -> Self {
        Self {
            heads,
            watch: None,
            gallery: None,
            watch_interval: Duration::from_secs(2),
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token: None,
            insecure: false,
            run,
            batch_size: 8,
            images: Limits::default(),
            max_delay: Duration::from_millis(2),
            queue: 256,
            limits: ServeLimits::default(),
            grace: Duration::from_secs(30),
        }
    }

    /// Checks that the options are safe and do not contradict each other.
    ///
    /// # Errors
    /// [`ServeError`], and parameters out of range.
    pub(super) fn check(&self) -> Result<()> {
        if !self.bind.ip().is_loopback() && self.token.is_none() && !self.insecure {
            return Err(ServeError::Open { address: self.bind }.into());
        }
        if self.heads.is_empty() && self.watch.is_none() {
            return Err(ServeError::NoHead.into());
        }
        let least = "at least twice the largest body";
        let (memory, body) = (self.limits.memory, self.limits.body);
        crate::error::require(memory / 2 >= body, "memory", &memory, least)?;
        let least = "at least the largest number of images in a request";
        crate::error::require(
            self.queue >= self.limits.images,
            "queue",
            &self.queue,
            least,
        )?;
        for (place, source) in self.heads.iter().enumerate() {
            let same = |other: &&HeadSource| source.id() == other.id();
            if let Some(first) = self.heads[..place].iter().find(same) {
                return Err(ServeError::Repeated {
                    name: source.name.clone(),
                    version: source.version.clone(),
                    first: first.path.clone(),
                    second: source.path.clone(),
                }
                .into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::Home;

    fn options(heads: &[&str]) -> ServeOptions {
        let heads = heads.iter().map(|text| text.parse().unwrap()).collect();
        ServeOptions::new(heads, RunOptions::new(Home::at("none")))
    }

    #[test]
    fn other_machines_need_a_token() {
        let mut options = options(&["a=b"]);
        assert!(options.check().is_ok());
        options.bind = "0.0.0.0:8080".parse().unwrap();
        let refused = options.check().unwrap_err().to_string();
        assert!(refused.contains("0.0.0.0:8080"), "{refused}");
        options.token = Some(Token::new("0123456789abcdef").unwrap());
        assert!(options.check().is_ok());
        options.token = None;
        options.insecure = true;
        assert!(options.check().is_ok());
        options.bind = "[::1]:80".parse().unwrap();
        options.insecure = false;
        assert!(options.check().is_ok());
    }

    #[test]
    fn a_name_has_one_head_for_each_version() {
        assert!(options(&["a=b", "a@2=b", "c=b"]).check().is_ok());
        assert!(options(&["a=b", "a@1=c"]).check().is_err());
        assert!(options(&[]).check().is_err());
    }
}
