//! Memory layouts of images, and the conversion between them.

use super::parallel::{Parallel, Pieces};

/// The memory layout of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// (N, C, H, W), as in ONNX.
    ChannelsFirst,
    /// (N, H, W, C).
    ChannelsLast,
}

/// Converts `x (n, c, size)` to `(n, size, c)`.
pub(super) fn channels_last(x: &[f32], [c, size]: [usize; 2], parallel: &dyn Parallel) -> Vec<f32> {
    /// Positions transposed at a time: 64 bytes of each channel.
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
