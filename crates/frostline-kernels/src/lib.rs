//! Convolutions and large linear layers on the CPU: pure numbers, which know no files, no networks and no threads of
//! their own.
//!
//! Everything ends in one product, `product`, of up to 12 rows with a panel of two vectors of columns, whose sums stay in
//! registers. Weights are laid out for it once. The instruction set (AVX-512, AVX2, NEON, or plain numbers) is
//! found at run time by `pulp`.

// What is not inlined into a function compiled for an instruction set is compiled without it.
#![expect(clippy::inline_always, reason = "see above")]
// Loops over numbers: a closure in an iterator may not be inlined, and is then compiled without the instruction set.
#![expect(
    clippy::many_single_char_names,
    reason = "x, y, n, c, h and w are what the field calls them"
)]
#![expect(clippy::needless_range_loop, reason = "see above")]

mod activation;
mod cache;
mod conv3x3;
mod direct;
mod finite;
mod layout;
mod linear;
mod output;
mod parallel;
mod product;
pub mod resample;
mod scratch;
mod winograd;

pub use activation::Activation;
pub use cache::prefetch;
pub use conv3x3::{Conv3x3, ConvShape, Pooling};
pub use finite::NotFinite;
pub use layout::Layout;
pub use linear::{InputOrder, Linear, LinearShape, ReadRows, Stored};
pub use parallel::{Parallel, Serial};

#[cfg(test)]
mod tests;
