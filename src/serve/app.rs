//! The state that all requests share.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::events::Host;
use super::gallery::Gallery;
use super::metrics::Metrics;
use super::models::Models;
use super::options::ServeOptions;
use crate::features::Observer;
use crate::stamp::Stamp;

/// The state that all requests share.
pub(super) struct App {
    pub(super) options: ServeOptions,
    pub(super) models: ArcSwap<Models>,
    pub(super) host: Arc<dyn Host>,
    /// Whether to receive requests: not before the models are loaded, and not once the server stops.
    pub(super) ready: AtomicBool,
    /// The memory for bodies, in units of [`App::UNIT`].
    pub(super) memory: Arc<Semaphore>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) gallery: OnceLock<Arc<Gallery>>,
    /// The stamps of heads that could not be loaded, by name and version; held while heads are loaded.
    pub(super) failed: Mutex<Failed>,
    /// What was told about the watched folder, to tell it once.
    pub(super) told: Mutex<Told>,
}

/// What was told about the watched folder.
#[derive(Default)]
pub(super) struct Told {
    /// The heads that others hide.
    pub(super) hidden: BTreeSet<PathBuf>,
    /// Why the folder cannot be read.
    pub(super) unreadable: Option<String>,
}

/// The stamps of heads that could not be loaded, by name and version.
pub(super) type Failed = HashMap<(String, String), Option<Stamp>>;

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
            metrics: Arc::new(Metrics::new()),
            gallery: OnceLock::new(),
            failed: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Returns what networks report to.
    pub(super) fn observer(&self) -> Arc<dyn Observer> {
        Arc::<Metrics>::clone(&self.metrics)
    }
}
