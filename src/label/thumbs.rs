//! The small pictures that are kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::images::{DecodeBudget, DecodeOptions};

/// The most bytes that are kept.
const KEPT: usize = 64 << 20;

/// Keeps small pictures, and how they are made.
pub(super) struct Thumbs {
    pub(super) decoding: DecodeOptions,
    pub(super) budget: DecodeBudget,
    kept: Mutex<Kept>,
}

/// Pictures by their image, edge and version; those that were not used for the longest time go first.
#[derive(Default)]
struct Kept {
    pictures: HashMap<(u32, u32), Picture>,
    bytes: usize,
    clock: u64,
}

struct Picture {
    jpeg: Arc<[u8]>,
    version: String,
    used: u64,
}

impl Thumbs {
    pub(super) fn new(decoding: DecodeOptions) -> Self {
        Self {
            decoding,
            budget: DecodeBudget::default(),
            kept: Mutex::default(),
        }
    }

    /// Returns a picture of an image with this edge, if it is of this version.
    pub(super) fn kept(&self, key: (u32, u32), version: &str) -> Option<Arc<[u8]>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let picture = kept.pictures.get_mut(&key)?;
        picture.used = now;
        (picture.version == version).then(|| Arc::clone(&picture.jpeg))
    }

    /// Keeps a picture.
    pub(super) fn keep(&self, key: (u32, u32), version: String, jpeg: &Arc<[u8]>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let picture = Picture {
            jpeg: Arc::clone(jpeg),
            version,
            used: kept.clock,
        };
        kept.bytes += jpeg.len();
        if let Some(old) = kept.pictures.insert(key, picture) {
            kept.bytes -= old.jpeg.len();
        }
        if kept.bytes > KEPT {
            kept.forget_half();
        }
    }
}

impl Kept {
    /// Forgets those that were not used for the longest time, until half of the memory is free.
    fn forget_half(&mut self) {
        let mut by_use: Vec<_> = self
            .pictures
            .iter()
            .map(|(key, picture)| (picture.used, *key))
            .collect();
        by_use.sort_unstable();
        for (_, key) in by_use {
            if self.bytes <= KEPT / 2 {
                return;
            }
            if let Some(old) = self.pictures.remove(&key) {
                self.bytes -= old.jpeg.len();
            }
        }
    }
}
