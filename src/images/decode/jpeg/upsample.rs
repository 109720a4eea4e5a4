//! Upsamples components that are stored with fewer samples to the size of the image, as libjpeg-turbo's
//! `jdsample.c`.
//!
//! Where half as many samples are stored, each new one is 3/4 of the nearer and 1/4 of the farther one;
//! halves are rounded up and down alternately. Otherwise, samples are repeated.

use std::ops::Range;

use libjpeg_turbo_rs::RawImage;

/// A component of an image.
#[derive(Debug)]
pub(super) struct Plane {
    samples: Samples,
    /// The columns and rows that belong to the image; blocks may reach beyond it.
    size: (usize, usize),
    /// The columns and rows of the image that each sample covers.
    factors: (usize, usize),
}

/// Stored rows of a component.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) values: Vec<u8>,
    pub(super) stride: usize,
    /// The column and the row of the first value.
    pub(super) origin: (usize, usize),
}

/// Buffers for a line that has to be upsampled.
#[derive(Debug, Default)]
pub(super) struct Line {
    samples: Vec<u8>,
    /// Three times the nearer row plus the farther one.
    sums: Vec<u16>,
}

impl Plane {
    /// Takes component `index` of a decoded image, whose samples cover `factors` pixels each.
    pub(super) fn of_raw(raw: &mut RawImage, index: usize, factors: (usize, usize)) -> Self {
        let samples = Samples {
            values: std::mem::take(&mut raw.planes[index]),
            stride: raw.plane_widths[index],
            origin: (0, 0),
        };
        Self::new(samples, (raw.width, raw.height), factors)
    }

    /// Creates a component of an image of `size`, whose samples cover `factors` pixels each.
    pub(super) fn new(samples: Samples, size: (usize, usize), factors: (usize, usize)) -> Self {
        Self {
            samples,
            size: (size.0.div_ceil(factors.0), size.1.div_ceil(factors.1)),
            factors,
        }
    }

    pub(super) fn num_bytes(&self) -> u64 {
        self.samples.values.len() as u64
    }

    /// Returns the samples of the image's row `y` in `columns`, one for each pixel.
    pub(super) fn line<'a>(
        &'a self,
        y: usize,
        columns: &Range<usize>,
        line: &'a mut Line,
    ) -> &'a [u8] {
        let (across, down) = self.factors;
        if (across, down) == (1, 1) {
            return self.row(y, columns);
        }
        // With at most two stored columns, libjpeg has no inner samples, and repeats them.
        let smooth = across == 2 && down <= 2 && self.size.0 > 2;
        let margin = usize::from(smooth);
        let first = (columns.start / across).saturating_sub(margin);
        let end = (columns.end.div_ceil(across) + margin).min(self.size.0);
        let stored = first..end;
        let Line { samples, sums } = line;
        samples.clear();
        samples.resize(across * stored.len(), 0);
        match (across, down) {
            (1, 2) => {
                let (near, far) = self.neighbours(y, &stored);
                let bias = 1 + (y % 2) as u16;
                for ((to, &a), &b) in samples.iter_mut().zip(near).zip(far) {
                    *to = ((3 * u16::from(a) + u16::from(b) + bias) / 4) as u8;
                }
            }
            (2, 1) if smooth => widen(self.row(y, &stored), samples),
            (2, 2) if smooth => {
                let (near, far) = self.neighbours(y, &stored);
                let n = stored.len();
                sums.resize(n, 0);
                let (near, far, sums) = (&near[..n], &far[..n], &mut sums[..n]);
                for i in 0..n {
                    sums[i] = 3 * u16::from(near[i]) + u16::from(far[i]);
                }
                widen_sums(sums, samples);
            }
            _ => {
                let row = self.row(y / down, &stored);
                for (to, &sample) in samples.chunks_exact_mut(across).zip(row) {
                    to.fill(sample);
                }
            }
        }
        let skip = columns.start - across * stored.start;
        &samples[skip..skip + columns.len()]
    }

    fn row(&self, y: usize, columns: &Range<usize>) -> &[u8] {
        let Samples {
            values,
            stride,
            origin: (left, top),
        } = &self.samples;
        &values[(y - top) * stride..][columns.start - left..columns.end - left]
    }

    /// Returns the stored row that is nearer to the image's row `y`, and the farther one; at the edges they
    /// are the same.
    fn neighbours(&self, y: usize, stored: &Range<usize>) -> (&[u8], &[u8]) {
        let near = y / 2;
        let far = match y % 2 {
            0 => near.saturating_sub(1),
            _ => (near + 1).min(self.size.1 - 1),
        };
        (self.row(near, stored), self.row(far, stored))
    }
}

/// Doubles the samples of a row.
fn widen(row: &[u8], out: &mut [u8]) {
    let (pairs, last) = inner(out);
    for ((pair, &a), &b) in pairs.iter_mut().zip(row).zip(&row[1..]) {
        let (a, b) = (u16::from(a), u16::from(b));
        *pair = [((3 * a + b + 2) / 4) as u8, ((3 * b + a + 1) / 4) as u8];
    }
    *last = row[row.len() - 1];
    out[0] = row[0];
}

/// Doubles the samples of a row of sums, which are four times as large.
fn widen_sums(row: &[u16], out: &mut [u8]) {
    let (pairs, last) = inner(out);
    let row = &row[..=pairs.len()];
    for i in 0..pairs.len() {
        let (a, b) = (row[i], row[i + 1]);
        pairs[i] = [((3 * a + b + 7) / 16) as u8, ((3 * b + a + 8) / 16) as u8];
    }
    *last = ((4 * row[row.len() - 1] + 7) / 16) as u8;
    out[0] = ((4 * row[0] + 8) / 16) as u8;
}

/// Splits off all but the first sample: those between two stored ones, and the last one.
fn inner(out: &mut [u8]) -> (&mut [[u8; 2]], &mut u8) {
    let (pairs, rest) = out[1..].as_chunks_mut();
    (pairs, &mut rest[0])
}
