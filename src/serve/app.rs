//! The state that all requests share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::events::Host;
use super::models::Models;
use super::options::ServeOptions;
use crate::features::Observer;

/// The state that all requests share.
pub(super) struct App {
    pub(super) options: ServeOptions,
    pub(super) models: ArcSwap<Models>,
    pub(super) host: Arc<dyn Host>,
    /// Whether to receive requests: not before the models are loaded, and not once the server stops.
    pub(super) ready: AtomicBool,
    /// The memory for bodies, in units of [`App::UNIT`].
    pub(super) memory: Arc<Semaphore>,
}

impl App {
    /// The unit of memory for bodies, in bytes.
    pub(super) const UNIT: u64 = 1024;

    pub(super) fn new(options: ServeOptions, host: Arc<dyn Host>) -> Self {
        let units = options.limits.memory / Self::UNIT;
        Self {
            options,
            models: ArcSwap::default(),
            host,
            ready: AtomicBool::new(false),
            memory: Arc::new(Semaphore::new(units as usize)),
        }
    }

    /// Returns what networks report to.
    #[allow(clippy::unused_self)]
    pub(super) fn observer(&self) -> Arc<dyn Observer> {
        struct Quiet;
        impl Observer for Quiet {
            fn batch(&self, _images: usize, _took: Duration) {}
        }
        Arc::new(Quiet)
    }
}
