//! Direct 3×3 convolutions of few input channels, as in the first layer of a network. In the Winograd domain,
//! most of a vector of these channels would be zeros.

use pulp::{Simd, WithSimd};

use super::activation::Activation;
use super::buffers::with_scratch;
use super::finite::{NotFinite, Watch, all_finite, seen};
use super::geometry::{ConvShape, Finish, Geometry};
use super::layout::Layout;
use super::parallel::{Parallel, Pieces};
use super::product::Machine;

/// A convolution's weights as panels of `(9 × in_channels, panel)`.
pub(super) struct Direct {
    machine: Machine,
    u: Vec<f32>,
}

impl Direct {
    pub(super) fn new(machine: Machine, shape: &ConvShape, weight: &[f32]) -> Self {
        let (taps, panel) = (shape.in_channels * 9, machine.panel);
        let mut u = vec![0.0; shape.out_channels.div_ceil(panel) * taps * panel];
        for (o, weight) in weight.chunks_exact(taps).enumerate() {
            for (k, &w) in weight.iter().enumerate() {
                u[(o / panel * taps + k) * panel + o % panel] = w;
            }
        }
        Self { machine, u }
    }

    /// Runs the convolution over images of either layout, without pooling.
    pub(super) fn run(
        &self,
        shape: &ConvShape,
        finish: &Finish,
        (geometry, input): (&Geometry, Layout),
        x: &[f32],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        let (watch, [height, width]) = (Watch::default(), geometry.output);
        let image = shape.in_channels * geometry.h * geometry.w;
        // Whole groups of positions are computed at the right edge too, so a line extends beyond it.
        let line = width + 2 + self.machine.rows;
        let rows = Pieces::of(y, width * shape.out_channels);
        parallel.run(rows.len(), &|job| {
            let image = Image {
                x: &x[job / height * image..][..image],
                size: [geometry.h, geometry.w],
                channels: shape.in_channels,
                layout: input,
                pads: shape.pads,
            };
            with_scratch([shape.in_channels * 3 * line, 0], |lines, _| {
                image.lines(job % height, line, lines);
                watch.note(rows.with(job, |y| {
                    self.machine.arch.dispatch(Row {
                        lines,
                        line,
                        u: &self.u,
                        bias: &finish.bias,
                        activation: finish.activation,
                        y,
                        width,
                        channels: shape.out_channels,
                    })
                }));
            });
        });
        watch.verdict()
    }
}

struct Image<'a> {
    x: &'a [f32],
    size: [usize; 2],
    channels: usize,
    layout: Layout,
    pads: [usize; 4],
}

impl Image<'_> {
    /// Copies the three rows of each channel that one row of outputs depends on, with their padding, each
    /// `len` long.
    fn lines(&self, row: usize, len: usize, lines: &mut [f32]) {
        let [h, w] = self.size;
        let left = self.pads[1].min(len);
        let width = w.min(len - left);
        for (i, line) in lines.chunks_exact_mut(len).enumerate() {
            let (c, dy) = (i / 3, i % 3);
            line.fill(0.0);
            let Some(y) = (row + dy).checked_sub(self.pads[0]).filter(|&y| y < h) else {
                continue;
            };
            let line = &mut line[left..left + width];
            match self.layout {
                Layout::ChannelsFirst => {
                    line.copy_from_slice(&self.x[(c * h + y) * w..][..width]);
                }
                Layout::ChannelsLast => {
                    let x = self.x[y * w * self.channels + c..].iter();
                    for (line, &x) in line.iter_mut().zip(x.step_by(self.channels)) {
                        *line = x;
                    }
                }
            }
        }
    }
}

/// The computation of a row of outputs.
struct Row<'a> {
    /// Three padded rows of each input channel, each `line` long.
    lines: &'a [f32],
    line: usize,
    /// The weights and biases of all panels.
    u: &'a [f32],
    bias: &'a [f32],
    activation: Activation,
    /// The row of outputs, `(width, channels)`.
    y: &'a mut [f32],
    width: usize,
    channels: usize,
}

impl WithSimd for Row<'_> {
    /// Whether all sums are finite, before the activation.
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        // The registers have to hold two vectors of sums and one input for each position, and two more
        // inputs. With one position more, it takes twice the time.
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 8>(simd)
        } else {
            self.run::<S, 4>(simd)
        }
    }
}

impl Row<'_> {
    #[inline(always)]
    fn run<S: Simd, const POSITIONS: usize>(mut self, simd: S) -> bool {
        let mut noticed = simd.splat_f32s(0.0);
        let panel = 2 * S::F32_LANES;
        let taps = self.lines.len() / self.line * 3;
        let mut start = 0;
        while start < self.width {
            let mut channel = 0;
            while channel < self.channels {
                let u = &self.u[channel * taps..][..taps * panel];
                let sums = self.sums::<S, POSITIONS>(simd, u, [start, channel]);
                for sum in sums.as_flattened() {
                    noticed = seen(simd, noticed, *sum);
                }
                self.store(simd, sums, [start, channel]);
                channel += panel;
            }
            start += POSITIONS;
        }
        all_finite(simd, noticed)
    }

    /// Returns the sums of `POSITIONS` positions for a panel of channels, with the bias.
    #[inline(always)]
    fn sums<S: Simd, const POSITIONS: usize>(
        &self,
        simd: S,
        u: &[f32],
        [start, channel]: [usize; 2],
    ) -> [[S::f32s; 2]; POSITIONS] {
        let bias = S::as_simd_f32s(&self.bias[channel..channel + 2 * S::F32_LANES]).0;
        let mut sums = [[bias[0], bias[1]]; POSITIONS];
        let (u, _) = S::as_simd_f32s(u);
        let (u, _) = u.as_chunks::<6>();
        for (u, line) in u.iter().zip(self.lines.chunks_exact(self.line)) {
            let x = &line[start..start + POSITIONS + 2];
            for dx in 0..3 {
                for i in 0..POSITIONS {
                    let x = simd.splat_f32s(x[i + dx]);
                    sums[i][0] = simd.mul_add_e_f32s(x, u[2 * dx], sums[i][0]);
                    sums[i][1] = simd.mul_add_e_f32s(x, u[2 * dx + 1], sums[i][1]);
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn store<S: Simd, const POSITIONS: usize>(
        &mut self,
        simd: S,
        sums: [[S::f32s; 2]; POSITIONS],
        [start, channel]: [usize; 2],
    ) {
        let lanes = S::F32_LANES;
        let channels = (self.channels - channel).min(2 * lanes);
        for i in 0..POSITIONS.min(self.width - start) {
            let y = &mut self.y[(start + i) * self.channels + channel..][..channels];
            let values = [
                self.activation.of(simd, sums[i][0]),
                self.activation.of(simd, sums[i][1]),
            ];
            if channels == 2 * lanes {
                S::as_mut_simd_f32s(y).0.copy_from_slice(&values);
            } else {
                let (first, second) = y.split_at_mut(lanes.min(channels));
                simd.partial_store_f32s(first, values[0]);
                simd.partial_store_f32s(second, values[1]);
            }
        }
    }
}
