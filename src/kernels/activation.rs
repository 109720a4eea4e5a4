//! What follows a layer, number by number.

use pulp::Simd;

/// What is applied to every number of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
}

impl Activation {
    #[inline(always)]
    pub(super) fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        match self {
            Self::None => x,
            Self::Relu => simd.max_f32s(x, zero),
            Self::Relu6 => simd.min_f32s(simd.max_f32s(x, zero), simd.splat_f32s(6.0)),
        }
    }
}
