//! A decoded image before colour conversion: luma and chroma in separate planes.

use super::fault::Fault;

/// The chroma subsampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chroma {
    /// None: a gray image.
    Gray,
    /// One for each pixel (4:4:4).
    Full,
    /// One for two pixels side by side (4:2:2).
    Half,
    /// One for four pixels (4:2:0).
    Quarter,
}

impl Chroma {
    /// Returns by how many bits columns and rows are shifted; the chroma planes of a gray image are empty.
    fn shifts(self) -> (u32, u32) {
        match self {
            Self::Gray | Self::Full => (0, 0),
            Self::Half => (1, 0),
            Self::Quarter => (1, 1),
        }
    }
}

/// How samples represent colours (ITU-T H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colours {
    /// `MatrixCoefficients`.
    pub(super) matrix: u16,
    /// Whether luma ranges from 0 to the largest number, and not from 16/255 to 235/255 of it.
    pub(super) full_range: bool,
}

/// The decoder whose pixels are reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each belongs to a feature of the crate")]
pub(super) enum Reference {
    /// libheif, for HEVC: a chroma sample is repeated for all of its pixels, and deep samples are narrowed
    /// last.
    Libheif,
    /// libavif, for AV1: chroma is interpolated, and deep samples are narrowed first.
    Libavif,
}

/// A decoded image, with a row of samples for each row of pixels, or for two.
#[derive(Debug)]
pub(super) struct Planes {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bits per sample, 8 to 12.
    pub(super) depth: u32,
    pub(super) chroma: Chroma,
    pub(super) colours: Colours,
    pub(super) reference: Reference,
    /// Whether chroma is interpolated even for libheif, which rotates planes before it converts them.
    pub(super) turned: bool,
    /// Luma and two planes of chroma; `strides` samples from row to row.
    pub(super) samples: [Vec<u16>; 3],
    pub(super) strides: [usize; 3],
}

impl Planes {
    /// Creates planes like those of a tile, of `width` × `height` pixels, filled with 0.
    pub(super) fn new_like(tile: &Self, width: u32, height: u32) -> Result<Self, Fault> {
        let mut canvas = Self {
            width,
            height,
            samples: [const { Vec::new() }; 3],
            strides: [0; 3],
            ..*tile
        };
        for plane in 0..3 {
            let (width, height) = canvas.size_of(plane);
            let samples = &mut canvas.samples[plane];
            samples
                .try_reserve_exact(width * height)
                .map_err(|_| Fault::Memory)?;
            samples.resize(width * height, 0);
            canvas.strides[plane] = width;
        }
        Ok(canvas)
    }

    /// Returns the columns and rows of a plane.
    pub(super) fn size_of(&self, plane: usize) -> (usize, usize) {
        if plane > 0 && self.chroma == Chroma::Gray {
            return (0, 0);
        }
        let (x, y) = if plane == 0 {
            (0, 0)
        } else {
            self.chroma.shifts()
        };
        let shown = |edge: u32, shift: u32| edge.div_ceil(1 << shift) as usize;
        (shown(self.width, x), shown(self.height, y))
    }

    /// Returns a row of a plane.
    pub(super) fn row(&self, plane: usize, y: usize) -> &[u16] {
        let start = y * self.strides[plane];
        &self.samples[plane][start..start + self.size_of(plane).0]
    }

    /// Keeps only the top left part; the rest is padding of the coded blocks.
    pub(super) fn shown(mut self, (width, height): (u32, u32)) -> Result<Self, Fault> {
        if width > self.width || height > self.height {
            return Err(Fault::damaged("its coded image is smaller than declared"));
        }
        (self.width, self.height) = (width, height);
        Ok(self)
    }

    /// Copies a tile to a position, as far as it is inside.
    pub(super) fn put(&mut self, tile: &Self, left: u32, top: u32) -> Result<(), Fault> {
        let kinds = |planes: &Self| (planes.depth, planes.chroma, planes.reference);
        if kinds(tile) != kinds(self) {
            return Err(Fault::damaged("its tiles differ in format"));
        }
        let shifts = self.chroma.shifts();
        if left & ((1 << shifts.0) - 1) != 0 || top & ((1 << shifts.1) - 1) != 0 {
            return Err(Fault::unsupported("tiles that share chroma samples"));
        }
        for plane in 0..3 {
            let (x, y) = if plane == 0 { (0, 0) } else { shifts };
            let (left, top) = ((left >> x) as usize, (top >> y) as usize);
            let (width, height) = self.size_of(plane);
            let (tile_width, tile_height) = tile.size_of(plane);
            let length = tile_width.min(width.saturating_sub(left));
            for row in 0..tile_height.min(height.saturating_sub(top)) {
                let start = (top + row) * self.strides[plane] + left;
                self.samples[plane][start..start + length]
                    .copy_from_slice(&tile.row(plane, row)[..length]);
            }
        }
        Ok(())
    }
}
