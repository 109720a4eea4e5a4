//! The inverse DCTs from 8 × 8 coefficients to 4 × 4, 2 × 2 or one pixel, in the fixed-point arithmetic of
//! libjpeg's `jidctred.c`.
//!
//! Coefficients are in row order, `quant` is what each is multiplied by, and `count` is the number of
//! coefficients up to the last non-zero one, in file order. Sums of damaged files wrap around.

/// The fraction bits of constants, and those kept between the two passes.
const CONST_BITS: u32 = 13;
const PASS_BITS: u32 = 2;

/// A value for each column.
type Row = [i32; 8];

/// Returns the mean of the block.
#[inline(always)]
pub(super) fn mean(coefficients: &[i16; 64], quant: &[u16; 64]) -> u8 {
    sample(i32::from(coefficients[0]) * i32::from(quant[0]), 3)
}

#[inline(always)]
pub(super) fn two(coefficients: &[i16; 64], count: usize, quant: &[u16; 64]) -> [[u8; 2]; 2] {
    samples(coefficients, count, quant, 2, pair)
}

#[inline(always)]
pub(super) fn four(coefficients: &[i16; 64], count: usize, quant: &[u16; 64]) -> [[u8; 4]; 4] {
    samples(coefficients, count, quant, 1, quartet)
}

/// Applies the transform `line`, whose values have `bits` more fraction bits.
#[inline(always)]
fn samples<const N: usize>(
    coefficients: &[i16; 64],
    count: usize,
    quant: &[u16; 64],
    bits: u32,
    line: impl Fn(&Row) -> [i32; N],
) -> [[u8; N]; N] {
    if count == 1 {
        return [[mean(coefficients, quant); N]; N];
    }
    let rows = rows(coefficients, quant);
    let lines = columns(&rows, CONST_BITS - PASS_BITS + bits, &line);
    let shift = CONST_BITS + PASS_BITS + 3 + bits;
    let mut out = [[0; N]; N];
    for y in 0..N {
        let values = line(&lines[y]);
        for x in 0..N {
            out[y][x] = sample(values[x], shift);
        }
    }
    out
}

/// Dequantizes the coefficients.
#[inline(always)]
fn rows(coefficients: &[i16; 64], quant: &[u16; 64]) -> [Row; 8] {
    let mut rows = [[0; 8]; 8];
    for y in 0..8 {
        for x in 0..8 {
            rows[y][x] = i32::from(coefficients[8 * y + x]) * i32::from(quant[8 * y + x]);
        }
    }
    rows
}

/// Transforms each column and drops the last `bits` bits.
#[inline(always)]
fn columns<const N: usize>(
    rows: &[Row; 8],
    bits: u32,
    line: impl Fn(&Row) -> [i32; N],
) -> [Row; N] {
    let mut out = [[0; 8]; N];
    for x in 0..8 {
        let mut column = [0; 8];
        for y in 0..8 {
            column[y] = rows[y][x];
        }
        let values = line(&column);
        for y in 0..N {
            out[y][x] = descale(values[y], bits);
        }
    }
    out
}

/// Transforms the eight coefficients of a line to two values; of the even ones, only the first counts.
#[inline(always)]
fn pair(c: &Row) -> [i32; 2] {
    let even = c[0] << (CONST_BITS + 2);
    let odd = sum([(c[1], 29_692), (c[3], -10_426), (c[5], 6967), (c[7], -5906)]);
    [even.wrapping_add(odd), even.wrapping_sub(odd)]
}

/// Transforms the eight coefficients of a line to four values; the fifth does not count.
#[inline(always)]
fn quartet(c: &Row) -> [i32; 4] {
    let first = c[0] << (CONST_BITS + 1);
    let even = sum([(c[2], 15_137), (c[6], -6270), (0, 0), (0, 0)]);
    let (outer, inner) = (first.wrapping_add(even), first.wrapping_sub(even));
    let a = sum([(c[1], 20_995), (c[3], 7373), (c[5], -4926), (c[7], -4176)]);
    let b = sum([(c[1], 8697), (c[3], -17_799), (c[5], 11_893), (c[7], -1730)]);
    [
        outer.wrapping_add(a),
        inner.wrapping_add(b),
        inner.wrapping_sub(b),
        outer.wrapping_sub(a),
    ]
}

#[inline(always)]
fn sum(products: [(i32, i32); 4]) -> i32 {
    let mut sum = 0_i32;
    for i in 0..4 {
        sum = sum.wrapping_add(products[i].0.wrapping_mul(products[i].1));
    }
    sum
}

#[inline(always)]
fn descale(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

/// Converts a value around 0 to a pixel.
#[inline(always)]
fn sample(value: i32, bits: u32) -> u8 {
    (descale(value, bits) + 128).clamp(0, 255) as u8
}
