//! Whether all features fit into memory.

use sysinfo::System;

use super::division::Division;
use super::samples::Source;

/// What is needed and what may be taken, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// By all features, as 32-bit numbers.
    pub(super) needed: u64,
    /// By features.
    pub(super) allowed: u64,
}

impl Memory {
    /// Where nothing is said, half of what is free may be taken.
    pub(super) fn of(said: Option<u64>, division: &Division, source: &Source<'_>) -> Self {
        let numbers = source.views.len() * source.store.manifest().spec.backbone.num_features;
        Self {
            needed: (division.n_images() * numbers * size_of::<f32>()) as u64,
            allowed: said.unwrap_or_else(|| free() / 2),
        }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.needed <= self.allowed
    }
}

/// Memory that is free, in this container where there is one.
fn free() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let here = system.cgroup_limits().map(|limits| limits.free_memory);
    here.unwrap_or(u64::MAX).min(system.available_memory())
}
