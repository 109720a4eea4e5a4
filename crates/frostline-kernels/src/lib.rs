//! Convolutions, linear layers and image resizing on the CPU. This crate does not read files or network
//! formats, and does not spawn threads.
//!
//! | item | computes |
//! |---|---|
//! | [`Conv3x3`] | a 3×3 convolution with stride 1, and the bias, activation and 2×2 pooling that follow it |
//! | [`Linear`] | a large linear layer and the activation that follows it |
//! | [`resample`] | the weighted sums of a resize, in Pillow's fixed-point arithmetic |
//!
//! Most layers are computed by one matrix product of up to 12 rows with a panel of columns two vectors wide,
//! whose sums stay in registers; weights are laid out for it once. `pulp` detects the instruction set
//! (AVX-512, AVX2, NEON, or scalar) at run time. Work is split into jobs, which the caller's [`Parallel`]
//! spreads over threads; results do not depend on the number of threads.

// A function that is not inlined into one compiled for an instruction set does not use that set. Neither does
// a closure in an iterator, so the code loops over indices instead.
#![expect(clippy::inline_always, reason = "see above")]
#![expect(
    clippy::many_single_char_names,
    reason = "x, y, n, c, h and w are the usual names in the field"
)]
#![expect(clippy::needless_range_loop, reason = "see above")]

mod activation;
mod buffers;
mod conv3x3;
mod direct;
mod finite;
mod geometry;
mod layout;
mod linear;
mod parallel;
mod product;
pub mod resample;
mod winograd;

pub use activation::Activation;
pub use buffers::prefetch;
pub use conv3x3::Conv3x3;
pub use finite::NotFinite;
pub use geometry::{ConvShape, Pooling};
pub use layout::Layout;
pub use linear::{InputOrder, Linear, LinearShape, ReadRows, Stored};
pub use parallel::{Parallel, Serial};

#[cfg(test)]
mod tests;
