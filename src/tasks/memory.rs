//! The check that all probabilities fit into free memory.

use sysinfo::System;

use crate::error::{Result, TaskError};

/// Returns the bytes of free memory, within the container's limit if there is one.
pub(super) fn free() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let here = system.cgroup_limits().map(|limits| limits.free_memory);
    here.unwrap_or(u64::MAX).min(system.available_memory())
}

/// Checks that the probabilities of `images` images fit into `free` bytes. Each is stored three times: in an
/// item, in a matrix, and sorted within its class.
pub(super) fn check_room(images: usize, classes: usize, free: u64) -> Result<()> {
    let numbers = images.saturating_mul(classes);
    let needed = (numbers as u64).saturating_mul(3 * size_of::<f64>() as u64);
    if needed <= free {
        return Ok(());
    }
    let too_much = TaskError::NoRoom {
        images,
        needed,
        free,
    };
    Err(too_much.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_that_do_not_fit_are_refused_with_both_sizes() {
        let error = check_room(50_000, 21_843, 16 << 30)
            .unwrap_err()
            .to_string();
        // 50,000 · 21,843 · 24 bytes.
        assert!(
            error.contains("of 50000 images take 24998 MiB, but only 16384 MiB"),
            "{error}"
        );
        assert!(check_room(50_000, 1000, 16 << 30).is_ok());
        assert!(check_room(usize::MAX, usize::MAX, u64::MAX - 1).is_err());
    }
}
