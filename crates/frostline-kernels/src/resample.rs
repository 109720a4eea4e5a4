//! The weighted sums of a resize in Pillow's fixed-point arithmetic: weights with 22 fractional bits, and
//! 8-bit samples after each pass (`Resample.c`).

use pulp::{Arch, Simd, WithSimd};

/// Fractional bits of a weight.
const POINT: u32 = 22;

/// Weights in a group: a vector of 32-bit numbers.
const GROUP: usize = 8;

/// Sums computed at a time.
const BLOCK: usize = 32;

/// If a pixel depends on at most this many source pixels, its channels are a vector of four. If it depends on
/// more, vectors of eight samples need less work.
const FEW: usize = 16;

/// The samples of `GROUP` pixels. Sample `i` of the three vectors belongs to channel `i % 3`.
type Group<T> = [[T; GROUP]; 3];

/// Converts a weight to fixed point, rounding half away from zero.
#[must_use]
pub fn fixed(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << POINT);
    (scaled + 0.5_f64.copysign(scaled)) as i32
}

/// For each resized pixel of a line: the first source pixel that it depends on, and the weights.
#[derive(Debug, Clone)]
pub struct Weights {
    starts: Vec<usize>,
    /// The same number for each resized pixel, padded with zeros to whole groups.
    values: Vec<i32>,
    padded: usize,
    /// How often each weight is stored: once, or for each sample of a pixel if there are more than `FEW`.
    copies: usize,
    /// The most weights of a pixel, without padding.
    taps: usize,
}

impl Weights {
    /// Creates an empty list, for at most `taps` weights for each pixel.
    #[must_use]
    pub fn new(taps: usize) -> Self {
        Self {
            starts: Vec::new(),
            values: Vec::new(),
            padded: taps.next_multiple_of(GROUP),
            copies: if taps <= FEW { 1 } else { 3 },
            taps: 0,
        }
    }

    /// Adds the weights of the next resized pixel, whose first source pixel is `start`.
    pub fn push(&mut self, start: usize, weights: impl Iterator<Item = i32>) {
        let before = self.values.len();
        self.starts.push(start);
        for weight in weights {
            self.values.extend_from_slice(&[weight; 3][..self.copies]);
        }
        self.taps = self.taps.max((self.values.len() - before) / self.copies);
        let padded = self.padded * self.copies;
        self.values.resize(self.starts.len() * padded, 0);
    }
}

/// Buffers that are reused from line to line.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    line: Vec<u8>,
    few: Vec<[i32; 4]>,
    many: Vec<Group<i32>>,
}

/// Resizes an RGB line to one pixel for each entry of `weights`.
///
/// # Panics
///
/// If the number of resized pixels is not that of `weights`, or the weights reach beyond the line.
pub fn narrow(line: &[u8], scratch: &mut Scratch, weights: &Weights, out: &mut [u8]) {
    let out = out.as_chunks_mut::<3>().0;
    assert_eq!(out.len(), weights.starts.len(), "weights for each pixel");
    let arch = Arch::new();
    let Scratch {
        line: padded,
        few,
        many,
    } = scratch;
    // Weights of 0 may reach beyond the line.
    padded.clear();
    padded.extend_from_slice(line);
    padded.resize(line.len() + 3 * weights.padded.max(FEW) + 1, 0);
    if weights.copies == 1 {
        few.resize(out.len(), [0; 4]);
        arch.dispatch(Few {
            line: padded,
            sums: few,
            weights,
            out,
        });
    } else {
        many.resize(out.len(), [[0; GROUP]; 3]);
        arch.dispatch(Many {
            line: padded,
            sums: many,
            weights,
            out,
        });
    }
}

struct Few<'a> {
    line: &'a [u8],
    /// Three for each pixel, and one that starts with the next pixel's sample: a vector has four values.
    sums: &'a mut [[i32; 4]],
    weights: &'a Weights,
    out: &'a mut [[u8; 3]],
}

impl WithSimd for Few<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // Loops of a known length are unrolled.
        match self.weights.taps {
            ..=2 => self.of::<2, 7>(),
            3..=4 => self.of::<4, 13>(),
            5..=8 => self.of::<8, 25>(),
            _ => self.of::<FEW, { 3 * FEW + 1 }>(),
        }
    }
}

impl Few<'_> {
    /// Resizes with `TAPS` weights for each pixel; `SAMPLES` is 3 · `TAPS` + 1.
    #[inline(always)]
    fn of<const TAPS: usize, const SAMPLES: usize>(self) {
        let Weights {
            starts,
            values,
            padded,
            ..
        } = self.weights;
        for x in 0..self.out.len() {
            let stored: &[u8; SAMPLES] = self.line[3 * starts[x]..]
                .first_chunk()
                .expect("the line is padded");
            let values: &[i32; TAPS] = values[padded * x..]
                .first_chunk()
                .expect("weights are padded");
            let mut pixel = [0_i32; 4];
            for tap in 0..TAPS {
                for c in 0..4 {
                    let product = values[tap].wrapping_mul(i32::from(stored[3 * tap + c]));
                    pixel[c] = pixel[c].wrapping_add(product);
                }
            }
            // In memory, the four sums are one vector.
            self.sums[x] = pixel;
        }
        for x in 0..self.out.len() {
            let [r, g, b, _] = self.sums[x];
            self.out[x] = [clip(r), clip(g), clip(b)];
        }
    }
}

struct Many<'a> {
    line: &'a [u8],
    sums: &'a mut [Group<i32>],
    weights: &'a Weights,
    out: &'a mut [[u8; 3]],
}

impl WithSimd for Many<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let samples = 3 * self.weights.padded;
        for x in 0..self.out.len() {
            let weights = &self.weights.values[samples * x..samples * (x + 1)];
            let start = 3 * self.weights.starts[x];
            self.sums[x] = products(&self.line[start..start + samples], weights);
        }
        // A separate loop, so that the sums above stay in registers.
        for x in 0..self.out.len() {
            let mut pixel = [0_i32; 3];
            for sums in self.sums[x].as_flattened().as_chunks::<3>().0 {
                for c in 0..3 {
                    pixel[c] = pixel[c].wrapping_add(sums[c]);
                }
            }
            self.out[x] = pixel.map(clip);
        }
    }
}

/// Adds lines to sums of the same length, each line multiplied by its weight.
///
/// # Panics
///
/// If the number of lines is not that of the weights.
pub fn add(sums: &mut [i32], lines: &[u8], weights: &[i32]) {
    assert_eq!(
        lines.len(),
        sums.len() * weights.len(),
        "a weight for each line"
    );
    Arch::new().dispatch(Add {
        sums,
        lines,
        weights,
    });
}

struct Add<'a> {
    sums: &'a mut [i32],
    lines: &'a [u8],
    weights: &'a [i32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let length = self.sums.len();
        let (blocks, rest) = self.sums.as_chunks_mut::<BLOCK>();
        let start = BLOCK * blocks.len();
        for (i, block) in blocks.iter_mut().enumerate() {
            // A local copy stays in registers.
            let mut sums = *block;
            for (line, weight) in self.lines.chunks_exact(length).zip(self.weights) {
                let line: &[u8; BLOCK] = line[BLOCK * i..].first_chunk().expect("a whole block");
                for j in 0..BLOCK {
                    sums[j] = sums[j].wrapping_add(weight.wrapping_mul(i32::from(line[j])));
                }
            }
            *block = sums;
        }
        for (line, weight) in self.lines.chunks_exact(length).zip(self.weights) {
            for (sum, sample) in rest.iter_mut().zip(&line[start..]) {
                *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(*sample)));
            }
        }
    }
}

/// Converts sums to 8-bit samples and appends them to `out`.
pub fn finish(sums: &[i32], out: &mut Vec<u8>) {
    Arch::new().dispatch(|| out.extend(sums.iter().copied().map(clip)));
}

/// Converts a sum to a sample.
#[inline(always)]
fn clip(sum: i32) -> u8 {
    (sum.wrapping_add(1 << (POINT - 1)) >> POINT).clamp(0, 255) as u8
}

/// Returns the sums of weighted samples over all groups. With normalised weights they fit; otherwise they
/// wrap around.
#[inline(always)]
fn products(samples: &[u8], weights: &[i32]) -> Group<i32> {
    let samples = samples.as_chunks::<GROUP>().0.as_chunks::<3>().0;
    let weights = weights.as_chunks::<GROUP>().0.as_chunks::<3>().0;
    let mut sums = [[0_i32; GROUP]; 3];
    for (samples, weights) in samples.iter().zip(weights) {
        for v in 0..3 {
            for lane in 0..GROUP {
                let product = weights[v][lane].wrapping_mul(i32::from(samples[v][lane]));
                sums[v][lane] = sums[v][lane].wrapping_add(product);
            }
        }
    }
    sums
}
