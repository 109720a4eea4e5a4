//! Generates weights from their names only: the same numbers in Rust and in `scripts/networks.py`.
//!
//! # The generator
//! A tensor's seed is the 64-bit FNV-1a hash of its name in torchvision's state dict, such as
//! `features.0.weight`. Its i-th value comes from the i-th output of `SplitMix64` with that seed (Steele, Lea
//! and Flood, 2014): the draw d is the sum of the output's four 16-bit pieces minus 131070, an integer within
//! ±131070. It has mean 0 and variance (2³² − 1) / 3 and is nearly normal. The value is shift + d · scale,
//! computed in `f64` and rounded to `f32`; with σ² = (2³² − 1) / 3:
//!
//! | tensor | shift | scale |
//! |---|---|---|
//! | two or more dimensions, n is the product of all but the first | 0 | √(2 / n) / σ (He et al., 2015) |
//! | `running_var` of a batch norm | 1 | 0.5 / 131070 |
//! | `weight` of a batch norm | 1 | 0.1 / σ |
//! | `bias`, `running_mean` | 0 | 0.05 / σ |
//!
//! Integers, one division, square roots, one product and one sum have the same results on every machine.
//! Biases are drawn too, because zeros would hide a missing bias.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The largest draw.
const LARGEST: i32 = 131_070;
/// The variance of a draw, (2³² − 1) / 3.
const VARIANCE: f64 = 1_431_655_765.0;

/// Returns the values of the tensor `name` of shape `shape`, in order.
pub(crate) fn numbers(name: &str, shape: &[usize]) -> impl Iterator<Item = f32> + use<> {
    let (shift, scale) = shift_and_scale(name, shape);
    let mut random = SplitMix64::from_seed(fnv1a(name).to_le_bytes());
    let count = shape.iter().product();
    (0..count).map(move |_| (shift + f64::from(draw(random.next_u64())) * scale) as f32)
}

fn shift_and_scale(name: &str, shape: &[usize]) -> (f64, f64) {
    let sigma = VARIANCE.sqrt();
    match shape {
        [_, inputs @ ..] if !inputs.is_empty() => {
            let inputs: usize = inputs.iter().product();
            (0.0, (2.0 / inputs as f64).sqrt() / sigma)
        }
        _ if name.ends_with("running_var") => (1.0, 0.5 / f64::from(LARGEST)),
        _ if name.ends_with("weight") => (1.0, 0.1 / sigma),
        _ => (0.0, 0.05 / sigma),
    }
}

fn draw(output: u64) -> i32 {
    let pieces = [0, 16, 32, 48].map(|shift| i32::from((output >> shift) as u16));
    pieces.iter().sum::<i32>() - LARGEST
}

fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
