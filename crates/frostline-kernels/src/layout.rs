//! How images lie in memory, and from one way to the other.

use super::parallel::{Parallel, Pieces};

/// How the numbers of images lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// (N, C, H, W), ONNX's.
    ChannelsFirst,
    /// (N, H, W, C).
    ChannelsLast,
}

/// `x (n, c, size)` as `(n, size, c)`.
pub(super) fn channels_last(x: &[f32], [c, size]: [usize; 2], parallel: &dyn Parallel) -> Vec<f32> {
    /// Positions that are turned at once: 64 bytes of each channel.
    const STRETCH: usize = 16;
    let mut y = vec![0.0; x.len()];
    let stretches = size.div_ceil(STRETCH);
    let pieces = Pieces::strips(&mut y, size, c, STRETCH);
    parallel.run(pieces.len(), &|job| {
        let image = &x[job / stretches * c * size..][..c * size];
        let first = job % stretches * STRETCH;
        pieces.with(job, |y| {
            for (channel, x) in image.chunks_exact(size).enumerate() {
                let positions = y.chunks_exact_mut(c);
                for (y, &x) in positions.zip(&x[first..]) {
                    y[channel] = x;
                }
            }
        });
    });
    y
}
