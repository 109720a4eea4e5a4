//! Detects values that are not finite where they arise, since an activation or a maximum can hide them.

use std::sync::atomic::{AtomicBool, Ordering};

use pulp::Simd;

/// An output value is NaN or infinite, or was before its activation and pooling. A direct convolution may
/// still have finite outputs there: in the Winograd domain, one NaN fills a whole tile, and values near the
/// largest float overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFinite;

/// Whether the threads of a run have seen a value that is not finite.
#[derive(Default)]
pub(super) struct Watch(AtomicBool);

impl Watch {
    pub(super) fn note(&self, is_finite: bool) {
        if !is_finite {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn verdict(self) -> Result<(), NotFinite> {
        if self.0.into_inner() {
            Err(NotFinite)
        } else {
            Ok(())
        }
    }
}

/// Adds zero times `values` to `before`. The sum stays zero as long as all values are finite: NaN and
/// infinity times zero are NaN.
#[inline(always)]
pub(super) fn seen<S: Simd>(simd: S, before: S::f32s, values: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(values, simd.splat_f32s(0.0), before)
}

/// Returns whether all values that were [`seen`] are finite.
#[inline(always)]
pub(super) fn all_finite<S: Simd>(simd: S, seen: S::f32s) -> bool {
    simd.reduce_sum_f32s(seen) == 0.0
}
