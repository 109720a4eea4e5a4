//! Activations, which are applied to each output value of a layer.

use pulp::Simd;

/// The activation applied to every value of an output. NaN stays NaN, as in ONNX Runtime: values are compared
/// and selected, because the vector instructions for `max` and `min` drop NaN on some machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// No activation.
    None,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
}

impl Activation {
    #[inline(always)]
    pub(super) fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let (zero, six) = (simd.splat_f32s(0.0), simd.splat_f32s(6.0));
        let relu = || simd.select_f32s(simd.less_than_f32s(x, zero), zero, x);
        match self {
            Self::None => x,
            Self::Relu => relu(),
            Self::Relu6 => simd.select_f32s(simd.less_than_f32s(six, x), six, relu()),
        }
    }

    /// Applies the activation to one value.
    pub(super) fn of_one(self, x: f32) -> f32 {
        match self {
            Self::Relu if x < 0.0 => 0.0,
            Self::None | Self::Relu => x,
            Self::Relu6 => x.clamp(0.0, 6.0),
        }
    }
}
