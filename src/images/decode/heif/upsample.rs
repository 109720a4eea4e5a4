//! Upsamples chroma to the pixels of a row.

use super::planes::{Chroma, Planes, Reference};

/// Upsamples one chroma plane, row by row.
pub(super) struct Upsampler<'a> {
    planes: &'a Planes,
    plane: usize,
    /// The samples of a row of pixels at the width of the plane, in quarters.
    quarters: Vec<u32>,
    line: Vec<u16>,
}

impl<'a> Upsampler<'a> {
    pub(super) fn new(planes: &'a Planes, plane: usize) -> Self {
        Self {
            planes,
            plane,
            quarters: Vec::new(),
            line: Vec::new(),
        }
    }

    /// Returns the samples of row `y`, one for each pixel.
    pub(super) fn row(&mut self, y: usize) -> &[u16] {
        let planes = self.planes;
        let rows_halved = planes.chroma == Chroma::Quarter;
        let near = if rows_halved { y / 2 } else { y };
        match (planes.chroma, planes.reference) {
            (Chroma::Gray | Chroma::Full, _) => return planes.row(self.plane, near),
            (_, Reference::Libheif) if !planes.turned => self.double(near),
            _ => {
                self.blend_rows(y, near, rows_halved);
                self.blend_columns();
            }
        }
        &self.line
    }

    /// Repeats each sample for both of its pixels.
    fn double(&mut self, y: usize) {
        let doubled = self.planes.row(self.plane, y).iter();
        self.line.clear();
        self.line.extend(doubled.flat_map(|&sample| [sample; 2]));
        self.line.truncate(self.planes.width as usize);
    }

    /// Interpolates between rows: three quarters of the nearer one plus a quarter of the next.
    fn blend_rows(&mut self, y: usize, near: usize, rows_halved: bool) {
        let last = self.planes.size_of(self.plane).1 - 1;
        let far = match (rows_halved, y % 2) {
            (false, _) => near,
            (true, 0) => near.saturating_sub(1),
            (true, _) => (near + 1).min(last),
        };
        let near = self.planes.row(self.plane, near);
        let far = self.planes.row(self.plane, far);
        self.quarters.clear();
        let blended = near.iter().zip(far);
        self.quarters
            .extend(blended.map(|(&near, &far)| 3 * u32::from(near) + u32::from(far)));
    }

    /// Interpolates between the samples of a row, likewise; the pixels at the ends use theirs alone.
    fn blend_columns(&mut self) {
        let (line, quarters) = (&mut self.line, &self.quarters);
        let last = quarters[quarters.len() - 1];
        line.clear();
        line.push(rounded(4 * quarters[0]));
        for pair in quarters.windows(2) {
            line.push(rounded(3 * pair[0] + pair[1]));
            line.push(rounded(pair[0] + 3 * pair[1]));
        }
        line.push(rounded(4 * last));
        let width = self.planes.width as usize;
        line.truncate(width);
        // libyuv does this for odd widths too.
        if self.planes.reference == Reference::Libavif {
            line[width - 1] = rounded(4 * last);
        }
    }
}

/// Rounds sixteenths.
fn rounded(sixteenths: u32) -> u16 {
    ((sixteenths + 8) / 16) as u16
}
