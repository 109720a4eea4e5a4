//! 3×3 convolutions of few input channels, the plain way: the 9 × channels numbers that an output is made of, laid side by
//! side, are the rows of a product. A network's first layer is one.

use pulp::{Simd, WithSimd};

use super::Activation;
use super::conv3x3::{ConvShape, Finish, Geometry};
use super::layout::Layout;
use super::output::Pieces;
use super::parallel::Parallel;
use super::product::Machine;
use super::scratch::with_scratch;

/// A convolution's weights as panels of `(9 × in_channels rounded up, panel)`.
pub(super) struct Im2Col {
    machine: Machine,
    u: Vec<f32>,
}

impl Im2Col {
    pub(super) fn new(machine: Machine, shape: &ConvShape, weight: &[f32]) -> Self {
        let taps = shape.in_channels * 9;
        let (depth, panel) = (machine.padded(taps), machine.panel);
        let mut u = vec![0.0; shape.out_channels.div_ceil(panel) * depth * panel];
        for (o, weight) in weight.chunks_exact(taps).enumerate() {
            for (k, &w) in weight.iter().enumerate() {
                u[(o / panel * depth + k) * panel + o % panel] = w;
            }
        }
        Self { machine, u }
    }

    /// Runs the convolution over images of either layout; nothing is pooled.
    pub(super) fn run(
        &self,
        shape: &ConvShape,
        finish: &Finish,
        (geometry, input): (&Geometry, Layout),
        x: &[f32],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) {
        let Geometry {
            h,
            w,
            output: [height, width],
            ..
        } = *geometry;
        let image = shape.in_channels * h * w;
        let rows = Pieces::of(y, width * shape.out_channels);
        parallel.run(rows.len(), &|job| {
            let image = Image {
                x: &x[job / height * image..][..image],
                size: [h, w],
                channels: shape.in_channels,
                layout: input,
                pads: shape.pads,
            };
            rows.with(job, |y| self.row(&image, job % height, finish, y));
        });
    }

    /// One row of outputs, `(width, out_channels)`.
    fn row(&self, image: &Image, row: usize, finish: &Finish, y: &mut [f32]) {
        let Machine {
            lanes,
            panel,
            rows,
            arch,
            ..
        } = self.machine;
        let depth = self.machine.padded(image.channels * 9);
        let c = y.len() / image.width();
        with_scratch([rows * depth, rows * panel], |v, m| {
            for (i, y) in y.chunks_mut(rows * c).enumerate() {
                let count = y.len() / c;
                let v = &mut v[..count * depth];
                image.lay_out(row, i * rows, lanes, v);
                for (p, u) in self.u.chunks_exact(depth * panel).enumerate() {
                    self.machine.product(count, v, u, m);
                    arch.dispatch(Finished {
                        m: &m[..count * panel],
                        panel,
                        bias: &finish.bias[p * panel..][..panel],
                        activation: finish.activation,
                        y: &mut y[p * panel..],
                        position: c,
                        channels: panel.min(c - p * panel),
                    });
                }
            }
        });
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
    fn width(&self) -> usize {
        self.size[1] + self.pads[1] + self.pads[3] - 2
    }

    /// Lays out what the outputs from `(row, column)` on are made of, as a product wants its rows.
    fn lay_out(&self, row: usize, column: usize, lanes: usize, v: &mut [f32]) {
        let depth = (self.channels * 9).next_multiple_of(lanes);
        let count = v.len() / depth;
        let [h, w] = self.size;
        let [channel, line, position] = match self.layout {
            Layout::ChannelsFirst => [h * w, w, 1],
            Layout::ChannelsLast => [1, w * self.channels, self.channels],
        };
        v.fill(0.0);
        for k in 0..self.channels * 9 {
            let (c, dy, dx) = (k / 9, k / 3 % 3, k % 3);
            let Some(y) = (row + dy).checked_sub(self.pads[0]).filter(|&y| y < h) else {
                continue;
            };
            let from = c * channel + y * line;
            // The outputs whose number lies within the row of the image.
            let first = self.pads[1].saturating_sub(column + dx);
            let end = (w + self.pads[1]).saturating_sub(column + dx).min(count);
            for i in first..end {
                let x = column + dx + i - self.pads[1];
                v[(k / lanes * count + i) * lanes + k % lanes] = self.x[from + x * position];
            }
        }
    }
}

/// Products of some positions with a panel, to be written with bias and activation.
struct Finished<'a> {
    m: &'a [f32],
    panel: usize,
    bias: &'a [f32],
    activation: Activation,
    y: &'a mut [f32],
    /// Numbers from one position to the next.
    position: usize,
    channels: usize,
}

impl WithSimd for Finished<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        for (i, m) in self.m.chunks_exact(self.panel).enumerate() {
            let mut c = 0;
            while c < self.channels {
                let bias = S::as_simd_f32s(&self.bias[c..c + lanes]).0[0];
                let sum = simd.add_f32s(S::as_simd_f32s(&m[c..c + lanes]).0[0], bias);
                let end = self.channels.min(c + lanes);
                let y = &mut self.y[i * self.position..][c..end];
                let value = self.activation.of(simd, sum);
                if end - c == lanes {
                    S::as_mut_simd_f32s(y).0[0] = value;
                } else {
                    simd.partial_store_f32s(y, value);
                }
                c += lanes;
            }
        }
    }
}
