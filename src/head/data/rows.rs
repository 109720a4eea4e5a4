//! Rows of features in f32 or f16.

use half::f16;
use half::slice::HalfFloatSliceExt;
use ndarray::{ArrayView2, s};
use std::ops::Range;

use super::labelled::LabelledFeatures;

/// Features (N · V, D) in the type that they are stored in; arithmetic is in f32 either way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FeatureRows<'a> {
    /// 32 bits.
    F32(ArrayView2<'a, f32>),
    /// 16 bits.
    F16(ArrayView2<'a, f16>),
}

impl FeatureRows<'_> {
    /// Returns D.
    #[must_use]
    pub(crate) fn ncols(&self) -> usize {
        self.dim().1
    }

    /// Returns whether every feature is finite.
    pub(crate) fn is_finite(&self) -> bool {
        match self {
            Self::F32(features) => features.iter().all(|x| x.is_finite()),
            Self::F16(features) => features.iter().all(|x| x.is_finite()),
        }
    }

    fn dim(&self) -> (usize, usize) {
        match self {
            Self::F32(features) => features.dim(),
            Self::F16(features) => features.dim(),
        }
    }

    /// Returns all rows as one slice, if they are contiguous and already f32.
    pub(crate) fn ready(&self) -> Option<&[f32]> {
        match self {
            Self::F32(features) => features.to_slice(),
            Self::F16(_) => None,
        }
    }

    /// Copies some columns of a row to `to`, converted to f32.
    pub(crate) fn copy(&self, row: usize, columns: Range<usize>, to: &mut [f32]) {
        match self {
            Self::F32(features) => {
                let from = features.slice(s![row, columns]);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
            Self::F16(features) => {
                let from = features.slice(s![row, columns]);
                match from.to_slice() {
                    Some(from) => from.convert_to_f32_slice(to),
                    None => to
                        .iter_mut()
                        .zip(from)
                        .for_each(|(to, from)| *to = from.to_f32()),
                }
            }
        }
    }
}

/// The images of some pieces: `features` (n · V, D), with the V rows of an image consecutive, and `targets`
/// (n), each below C.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    /// The features as they are stored.
    pub features: FeatureRows<'a>,
    /// The class of each image.
    pub targets: &'a [usize],
}

impl<'a> Block<'a> {
    /// Returns a whole set as one block.
    pub(crate) fn of(set: &'a LabelledFeatures<'_>) -> Self {
        Self {
            features: FeatureRows::F32(set.features().reborrow()),
            targets: set.targets(),
        }
    }
}

/// Returns a row, copied to `copy` only if it is not contiguous.
pub(crate) fn row_of<'a>(
    features: &'a ArrayView2<'_, f32>,
    row: usize,
    copy: &'a mut Vec<f32>,
) -> &'a [f32] {
    let row = features.slice(s![row, ..]);
    row.to_slice().unwrap_or_else(|| {
        copy.clear();
        copy.extend(row);
        copy
    })
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn half_precision_is_widened_exactly() {
        // Quarters up to 128 need at most 10 bits.
        let wide = Array2::from_shape_fn((3, 70), |(i, j)| (i * 70 + j) as f32 / 4.0 - 20.0);
        let narrow = wide.mapv(f16::from_f32);
        let rows = FeatureRows::F16(narrow.view());
        let mut row = vec![0.0; 60];
        rows.copy(1, 5..65, &mut row);
        assert_eq!(row, wide.slice(s![1, 5..65]).to_vec());
        let strided = FeatureRows::F16(narrow.slice(s![.., ..;2]));
        strided.copy(2, 1..4, &mut row[..3]);
        assert_eq!(row[..3], [wide[[2, 2]], wide[[2, 4]], wide[[2, 6]]]);
        assert!(rows.ready().is_none() && strided.ncols() == 35);
        assert_eq!(FeatureRows::F32(wide.view()).ready(), wide.as_slice());
        assert!(FeatureRows::F32(wide.t()).ready().is_none());
    }

    #[test]
    fn rows_that_do_not_lie_together_are_copied() {
        let features = Array2::from_shape_fn((2, 3), |(i, j)| (3 * i + j) as f32);
        let mut copy = Vec::new();
        assert_eq!(row_of(&features.view(), 1, &mut copy), [3.0, 4.0, 5.0]);
        assert!(copy.is_empty());
        assert_eq!(row_of(&features.t(), 1, &mut copy), [1.0, 4.0]);
    }
}
