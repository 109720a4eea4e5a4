//! The inverse transform of 8 × 8 coefficients to 4 × 4, 2 × 2 or one pixel: libjpeg's `jidctred.c`, in its
//! fixed point.
//!
//! Coefficients are in rows, and `quant` is what each is multiplied by. Sums of damaged files wrap around.

/// The bits of a constant's fraction, and those kept between the two passes.
const CONST_BITS: u32 = 13;
const PASS_BITS: u32 = 2;

/// A number for each column.
type Row = [i32; 8];

/// The mean of the block.
pub(super) fn mean(coefficients: &[i16; 64], quant: &[u16; 64]) -> u8 {
    sample(i32::from(coefficients[0]) * i32::from(quant[0]), 3)
}

pub(super) fn two(coefficients: &[i16; 64], quant: &[u16; 64]) -> [[u8; 2]; 2] {
    if is_flat(coefficients) {
        return [[mean(coefficients, quant); 2]; 2];
    }
    let lines = columns(&rows(coefficients, quant), CONST_BITS - PASS_BITS + 2, pair);
    let shift = CONST_BITS + PASS_BITS + 3 + 2;
    lines.map(|row| pair(&row).map(|value| sample(value, shift)))
}

pub(super) fn four(coefficients: &[i16; 64], quant: &[u16; 64]) -> [[u8; 4]; 4] {
    if is_flat(coefficients) {
        return [[mean(coefficients, quant); 4]; 4];
    }
    let lines = columns(
        &rows(coefficients, quant),
        CONST_BITS - PASS_BITS + 1,
        quartet,
    );
    let shift = CONST_BITS + PASS_BITS + 3 + 1;
    lines.map(|row| quartet(&row).map(|value| sample(value, shift)))
}

fn is_flat(coefficients: &[i16; 64]) -> bool {
    coefficients[1..]
        .iter()
        .fold(0, |bits, &value| bits | value)
        == 0
}

fn rows(coefficients: &[i16; 64], quant: &[u16; 64]) -> [Row; 8] {
    let row = |y: usize| {
        let value = |x: usize| i32::from(coefficients[8 * y + x]) * i32::from(quant[8 * y + x]);
        std::array::from_fn(value)
    };
    std::array::from_fn(row)
}

/// The values of each column, without the last `bits`.
#[inline]
fn columns<const N: usize>(
    rows: &[Row; 8],
    bits: u32,
    line: impl Fn(&Row) -> [i32; N],
) -> [Row; N] {
    let mut out = [[0; 8]; N];
    for x in 0..8 {
        let values = line(&std::array::from_fn(|y| rows[y][x]));
        for (row, value) in out.iter_mut().zip(values) {
            row[x] = descale(value, bits);
        }
    }
    out
}

/// Two values of the eight coefficients of a line: of the even ones the first alone counts.
#[inline]
fn pair(c: &Row) -> [i32; 2] {
    let even = c[0] << (CONST_BITS + 2);
    let odd = sum([(c[1], 29_692), (c[3], -10_426), (c[5], 6967), (c[7], -5906)]);
    [even.wrapping_add(odd), even.wrapping_sub(odd)]
}

/// Four values of the eight coefficients of a line, of which the fifth does not count.
#[inline]
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

#[inline]
fn sum(products: [(i32, i32); 4]) -> i32 {
    let [a, b, c, d] = products.map(|(value, constant)| value.wrapping_mul(constant));
    a.wrapping_add(b).wrapping_add(c).wrapping_add(d)
}

#[inline]
fn descale(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

/// A pixel, of a value around 0.
#[inline]
fn sample(value: i32, bits: u32) -> u8 {
    (descale(value, bits) + 128).clamp(0, 255) as u8
}
