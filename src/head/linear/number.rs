//! Numbers of either width in vectors, so that a loop over them is written once.

use pulp::Simd;

/// f32 or f64, as a processor's vectors hold it.
pub(crate) trait Number: Copy + Default {
    /// As many as a register holds.
    type Vector<S: Simd>: Copy;

    /// How many that is.
    fn lanes<S: Simd>() -> usize;
    /// `x` everywhere.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// The whole vectors of a slice; the rest is left out.
    fn vectors<S: Simd>(x: &[Self]) -> &[Self::Vector<S>];
    /// The same, to be written.
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [Self::Vector<S>];
    /// Fewer than a vector has; 0 in the other places.
    fn load_rest<S: Simd>(simd: S, x: &[Self]) -> Self::Vector<S>;
    /// Back to where [`load_rest`](Self::load_rest) took it from.
    fn store_rest<S: Simd>(simd: S, x: &mut [Self], vector: Self::Vector<S>);
    /// `a + b`.
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a · b + c`, rounded once or twice.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The sum of a vector's numbers.
    fn sum<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
}

macro_rules! number {
    ($number:ty, $vector:ident, $lanes:ident, $splat:ident, $vectors:ident, $vectors_mut:ident, $load:ident, $store:ident, $add:ident, $mul_add:ident, $sum:ident) => {
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
            fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [S::$vector] {
                S::$vectors_mut(x).0
            }
            #[inline(always)]
            fn load_rest<S: Simd>(simd: S, x: &[Self]) -> S::$vector {
                simd.$load(x)
            }
            #[inline(always)]
            fn store_rest<S: Simd>(simd: S, x: &mut [Self], vector: S::$vector) {
                simd.$store(x, vector);
            }
            #[inline(always)]
            fn add<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
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

#[rustfmt::skip]
number!(f32, f32s, F32_LANES, splat_f32s, as_simd_f32s, as_mut_simd_f32s, partial_load_f32s, partial_store_f32s, add_f32s, mul_add_e_f32s, reduce_sum_f32s);
#[rustfmt::skip]
number!(f64, f64s, F64_LANES, splat_f64s, as_simd_f64s, as_mut_simd_f64s, partial_load_f64s, partial_store_f64s, add_f64s, mul_add_e_f64s, reduce_sum_f64s);
