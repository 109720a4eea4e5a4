//! f32 and f64 in SIMD vectors, so that a loop over either is written once.

use pulp::Simd;

/// f32 or f64, with its SIMD operations.
pub(crate) trait Number: Copy + Default {
    /// A SIMD vector of this type.
    type Vector<S: Simd>: Copy;

    /// Returns the number of lanes of a vector.
    fn lanes<S: Simd>() -> usize;
    /// Returns a vector with `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// Returns the full vectors of a slice, without the remainder.
    fn vectors<S: Simd>(x: &[Self]) -> &[Self::Vector<S>];
    /// Loads a slice shorter than a vector; the other lanes are 0.
    fn load_rest<S: Simd>(simd: S, x: &[Self]) -> Self::Vector<S>;
    /// Returns `a · b + c`, rounded once or twice.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Returns the sum of a vector's lanes.
    fn sum<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
}

macro_rules! number {
    (
        $number:ty, $vector:ident, $lanes:ident, $splat:ident, $vectors:ident, $load:ident,
        $mul_add:ident, $sum:ident
    ) => {
        impl Number for $number {
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }
            #[inline(always)]
            fn vectors<S: Simd>(x: &[Self]) -> &[S::$vector] {
                S::$vectors(x).0
            }
            #[inline(always)]
            fn load_rest<S: Simd>(simd: S, x: &[Self]) -> S::$vector {
                simd.$load(x)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: S::$vector,
                b: S::$vector,
                c: S::$vector,
            ) -> S::$vector {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn sum<S: Simd>(simd: S, a: S::$vector) -> Self {
                simd.$sum(a)
            }
        }
    };
}

number! {
    f32, f32s, F32_LANES, splat_f32s, as_simd_f32s, partial_load_f32s, mul_add_e_f32s, reduce_sum_f32s
}
number! {
    f64, f64s, F64_LANES, splat_f64s, as_simd_f64s, partial_load_f64s, mul_add_e_f64s, reduce_sum_f64s
}
