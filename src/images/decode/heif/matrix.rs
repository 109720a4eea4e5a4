//! Converts luma and chroma to red, green and blue, in integers (ITU-T H.273, 8.3).

use super::fault::Fault;
use super::planes::{Chroma, Planes, Reference};

/// The number of fraction bits.
const POINT: u32 = 14;

/// The conversion of a pixel's three samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix {
    /// The bits that deep samples lose before, and after.
    narrow_first: u32,
    narrow_last: u32,
    largest: i32,
    black: i32,
    gray: i32,
    luma: i32,
    red_of_cr: i32,
    green_of_cb: i32,
    green_of_cr: i32,
    blue_of_cb: i32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Luma alone.
    Gray,
    /// The samples are green, blue and red.
    Identity,
    /// Luma and colour differences.
    Differences,
}

impl Matrix {
    /// Returns the conversion for these planes.
    pub(super) fn of(planes: &Planes) -> Result<Self, Fault> {
        let matrix = planes.colours.matrix;
        Ok(match (planes.chroma, matrix) {
            (Chroma::Gray, _) => Self::gray(planes),
            (_, 0) => Self::new(planes, Kind::Identity, BT_601),
            _ => Self::new(planes, Kind::Differences, weights(matrix)?),
        })
    }

    /// Returns the conversion for luma alone.
    pub(super) fn gray(planes: &Planes) -> Self {
        Self::new(planes, Kind::Gray, BT_601)
    }

    fn new(planes: &Planes, kind: Kind, (red, blue): (f64, f64)) -> Self {
        let depth = planes.depth;
        let (narrow_first, narrow_last, out) = match planes.reference {
            Reference::Libheif if kind == Kind::Differences && is_usual(planes) => {
                (depth - 8, 0, 8)
            }
            Reference::Libheif => (0, depth - 8, depth),
            // libavif itself converts, exactly, what libyuv does not.
            Reference::Libavif if kind == Kind::Differences => (depth - 8, 0, 8),
            Reference::Libavif => (0, 0, 8),
        };
        let depth = depth - narrow_first;
        let scale = Scale::of(planes, depth, out, kind);
        let of = |difference: f64| match planes.reference {
            Reference::Libheif => fixed(difference * scale.chroma),
            // libyuv's factors have six fraction bits, and are at most 2.
            Reference::Libavif => {
                fixed((difference * scale.chroma * 64.0).round().min(128.0) / 64.0)
            }
        };
        let green = 1.0 - red - blue;
        Self {
            narrow_first,
            narrow_last,
            largest: (1 << out) - 1,
            black: scale.black,
            gray: 1 << (depth - 1),
            luma: fixed(scale.luma),
            red_of_cr: of(2.0 * (1.0 - red)),
            green_of_cb: of(-2.0 * blue * (1.0 - blue) / green),
            green_of_cr: of(-2.0 * red * (1.0 - red) / green),
            blue_of_cb: of(2.0 * (1.0 - blue)),
            kind,
        }
    }

    /// Returns the red, green and blue of a pixel.
    #[inline]
    pub(super) fn rgb(&self, y: u16, cb: u16, cr: u16) -> [u8; 3] {
        let of = |sample: u16| i32::from(sample >> self.narrow_first);
        let light = |sample: u16| (of(sample) - self.black) * self.luma;
        let difference = |sample: u16| of(sample) - self.gray;
        let y_light = light(y);
        let green = self.green_of_cb * difference(cb) + self.green_of_cr * difference(cr);
        match self.kind {
            Kind::Gray => [self.rounded(y_light); 3],
            Kind::Identity => [
                self.rounded(light(cr)),
                self.rounded(y_light),
                self.rounded(light(cb)),
            ],
            Kind::Differences => [
                self.rounded(y_light + self.red_of_cr * difference(cr)),
                self.rounded(y_light + green),
                self.rounded(y_light + self.blue_of_cb * difference(cb)),
            ],
        }
    }

    /// Returns whether chroma samples are needed.
    pub(super) fn has_colours(&self) -> bool {
        self.kind != Kind::Gray
    }

    #[inline]
    fn rounded(&self, value: i32) -> u8 {
        let value = (value + (1 << (POINT - 1))) >> POINT;
        (value.clamp(0, self.largest) >> self.narrow_last) as u8
    }
}

const BT_601: (f64, f64) = (0.299, 0.114);

fn fixed(value: f64) -> i32 {
    (value * f64::from(1 << POINT)).round() as i32
}

/// Returns whether libheif has a special path for these planes, which narrows deep samples first.
fn is_usual(planes: &Planes) -> bool {
    planes.chroma == Chroma::Quarter && planes.colours.full_range && !planes.turned
}

/// Returns the weights of red and blue in luma.
fn weights(matrix: u16) -> Result<(f64, f64), Fault> {
    Ok(match matrix {
        1 => (0.2126, 0.0722),
        // Unspecified: BT.601, as for JPEGs.
        2 | 3 | 5 | 6 => BT_601,
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        9 | 10 => (0.2627, 0.0593),
        other => {
            let words = format!("H.273 matrix coefficients {other}");
            return Err(Fault::unsupported(words));
        }
    })
}

/// The range of the samples.
struct Scale {
    black: i32,
    luma: f64,
    chroma: f64,
}

impl Scale {
    fn of(planes: &Planes, depth: u32, out: u32, kind: Kind) -> Self {
        let largest = |bits: u32| f64::from((1_u32 << bits) - 1);
        let full = largest(out) / largest(depth);
        let is_full = match planes.reference {
            // libheif uses gray samples unchanged.
            Reference::Libheif => planes.colours.full_range || kind == Kind::Gray,
            Reference::Libavif => planes.colours.full_range,
        };
        if is_full {
            return Self {
                black: 0,
                luma: full,
                chroma: full,
            };
        }
        let step = f64::from(1_u32 << (depth - 8));
        let (luma, chroma) = match planes.reference {
            // libheif's own factors, slightly more than 255 / 219 and 255 / 224.
            Reference::Libheif => (1.1689 * full, 1.1429 * full),
            Reference::Libavif => (largest(out) / (219.0 * step), largest(out) / (224.0 * step)),
        };
        Self {
            black: 16 << (depth - 8),
            luma,
            chroma,
        }
    }
}
