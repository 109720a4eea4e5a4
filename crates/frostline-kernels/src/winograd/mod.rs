//! Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural
//! Networks", 2015): 36 products for 16 outputs instead of 144, at a relative error of about 2e-6.
//!
//! Tiles are processed in blocks: the inputs of a block are transformed, and for one panel of output channels
//! after the other, 36 products are computed and transformed back while they are in the cache. With very many
//! weights, blocks are larger, and the products of all panels are computed first.

mod input;
mod jobs;
mod output;
mod weights;

use std::iter;
use std::ops::Range;

use self::input::InputTile;
use self::jobs::Jobs;
use self::output::OutputTile;
use self::weights::FREQUENCIES;
use super::buffers::{Aligned, LINE, with_scratch};
use super::finite::{NotFinite, Watch};
use super::geometry::{ConvShape, Finish, Geometry};
use super::parallel::{Parallel, Pieces};
use super::product::Machine;

/// A convolution's weights in the Winograd domain.
pub(super) struct Winograd {
    machine: Machine,
    u: Aligned,
}

/// What the blocks of one run share.
struct Run<'a> {
    shape: &'a ConvShape,
    finish: &'a Finish,
    geometry: &'a Geometry,
    /// The images, channels last.
    x: &'a [f32],
    strips: Pieces<'a>,
    watch: Watch,
}

impl Winograd {
    pub(super) fn new(machine: Machine, shape: &ConvShape, weight: &[f32]) -> Self {
        let size = [shape.out_channels, shape.in_channels];
        Self {
            machine,
            u: weights::transformed(&machine, weight, size),
        }
    }

    /// Runs the convolution over channels-last images.
    pub(super) fn run(
        &self,
        shape: &ConvShape,
        finish: &Finish,
        geometry: &Geometry,
        x: &[f32],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        let [height, width] = geometry.output;
        let row = width * shape.out_channels;
        let run = Run {
            shape,
            finish,
            geometry,
            x,
            strips: Pieces::strips(y, height, row, finish.pooling.of(4)),
            watch: Watch::default(),
        };
        let tiles = geometry.tiles();
        let panels = shape.out_channels.div_ceil(self.machine.panel);
        let depth = self.machine.padded(shape.in_channels);
        let jobs = Jobs::new([tiles, panels], parallel.threads(), (self.u.len(), depth));
        parallel.run(jobs.count(), &|job| {
            let (tiles, panels) = jobs.get(job);
            self.block(&run, tiles, panels, jobs.panels_at_once());
        });
        run.watch.verdict()
    }

    /// Computes a block of tiles, for `most` panels at a time.
    fn block(&self, run: &Run, tiles: Range<usize>, panels: Range<usize>, most: usize) {
        let panel = self.machine.panel;
        let c = self.machine.padded(run.shape.in_channels);
        let most = most.min(panels.len());
        let (v_len, m_len) = (tiles.len() * c, tiles.len() * panel);
        // Planes a multiple of 4 KiB apart would compete for the same few lines of the nearest cache.
        let (v_plane, m_plane) = (v_len + LINE, most * m_len + LINE);
        with_scratch([FREQUENCIES * v_plane, FREQUENCIES * m_plane], |v, m| {
            self.transform_inputs(run, tiles.clone(), (v, v_plane));
            for first in panels.clone().step_by(most) {
                let group = first..panels.end.min(first + most);
                let planes = v.chunks_exact(v_plane).zip(m.chunks_exact_mut(m_plane));
                for (f, (v, m)) in planes.enumerate() {
                    for (p, m) in group.clone().zip(m.chunks_exact_mut(m_len)) {
                        let next = after([p, f], &group, &panels);
                        let u = [[p, f], next].map(|at| self.weights(at, c));
                        self.multiply(&v[..v_len], u, m, c);
                    }
                }
                for p in group {
                    let m = &m[(p - first) * m_len..];
                    self.transform_outputs(run, tiles.clone(), p, (m, m_plane));
                }
            }
        });
    }

    /// Returns the weights of a panel and frequency, (c, panel).
    fn weights(&self, [p, f]: [usize; 2], c: usize) -> &[f32] {
        let len = c * self.machine.panel;
        &self.u[(p * FREQUENCIES + f) * len..][..len]
    }

    /// Multiplies one frequency of all tiles with one panel, while prefetching the next panel.
    fn multiply(&self, v: &[f32], [u, next]: [&[f32]; 2], m: &mut [f32], c: usize) {
        let rows = self.rows(v.len() / c);
        let share = next
            .len()
            .div_ceil(v.len().div_ceil(rows * c))
            .next_multiple_of(LINE);
        let m = m.chunks_mut(rows * self.machine.panel);
        let next = next.chunks(share).chain(iter::repeat(&[][..]));
        for ((v, m), next) in v.chunks(rows * c).zip(m).zip(next) {
            self.machine.product(v.len() / c, v, (u, next), m);
        }
    }

    /// Returns the number of rows in each product of `tiles` tiles. They are split as evenly as possible,
    /// since a product of few rows is slow.
    fn rows(&self, tiles: usize) -> usize {
        tiles.div_ceil(tiles.div_ceil(self.machine.rows))
    }

    fn transform_inputs(&self, run: &Run, tiles: Range<usize>, (v, plane): (&mut [f32], usize)) {
        let lanes = self.machine.lanes;
        let Geometry { h, w, .. } = *run.geometry;
        let c = run.shape.in_channels;
        let [top, left, ..] = run.shape.pads;
        let (count, padded) = (tiles.len(), self.machine.padded(c));
        let most = self.rows(count);
        for (k, tile) in tiles.enumerate() {
            let [n, ty, tx] = run.geometry.place(tile);
            // Tiles are grouped into products of `most` rows; the last one may have fewer.
            let (first, row) = (k / most * most, k % most);
            let start = [(ty * 4).wrapping_sub(top), (tx * 4).wrapping_sub(left)];
            let start = start.map(usize::cast_signed);
            self.machine.arch.dispatch(InputTile {
                x: &run.x[n * h * w * c..][..h * w * c],
                w,
                c,
                start,
                inside: [inside(start[0], h), inside(start[1], w)],
                v: &mut v[first * padded + row * lanes..],
                plane,
                block: most.min(count - first) * lanes,
            });
        }
    }

    fn transform_outputs(
        &self,
        run: &Run,
        tiles: Range<usize>,
        p: usize,
        (m, plane): (&[f32], usize),
    ) {
        let panel = self.machine.panel;
        let c = run.shape.out_channels;
        let step = run.finish.pooling.of(4);
        let [height, width] = run.geometry.output;
        for (k, tile) in tiles.clone().enumerate() {
            let [n, ty, tx] = run.geometry.place(tile);
            let (top, left) = (ty * step, tx * step);
            if top >= height || left >= width {
                continue; // Pooling drops an odd last row or column.
            }
            let strip = n * height.div_ceil(step) + ty;
            let is_finite = run.strips.with(strip, |y| {
                self.machine.arch.dispatch(OutputTile {
                    m: &m[k * panel..],
                    plane,
                    bias: &run.finish.bias[p * panel..][..panel],
                    activation: run.finish.activation,
                    pooling: run.finish.pooling,
                    y: &mut y[left * c + p * panel..],
                    row: width * c,
                    position: c,
                    size: [step.min(height - top), step.min(width - left)],
                    channels: panel.min(c - p * panel),
                })
            });
            run.watch.note(is_finite);
        }
    }
}

/// Returns the panel and frequency whose weights a block reads next: the next panel of the group, the next
/// frequency, the next group, or those that the next block starts with.
fn after([p, f]: [usize; 2], group: &Range<usize>, panels: &Range<usize>) -> [usize; 2] {
    if p + 1 < group.end {
        [p + 1, f]
    } else if f + 1 < FREQUENCIES {
        [group.start, f + 1]
    } else if group.end < panels.end {
        [group.end, 0]
    } else {
        [panels.start, 0]
    }
}

/// Returns which of the six rows or columns of a tile that starts at `start` are within `size`.
fn inside(start: isize, size: usize) -> Range<usize> {
    let end = (size.cast_signed() - start).clamp(0, 6);
    (-start).clamp(0, end).cast_unsigned()..end.cast_unsigned()
}
