//! Standardisation: features with mean 0 and standard deviation 1, folded back into the linear layer.

use ndarray::{Array1, Array2, ArrayView2};
use pulp::{Arch, Simd, WithSimd};

use super::labelled::LabelledFeatures;
use super::rows::row_of;
use crate::head::linear::LinearHead;
use crate::head::parallel::in_parallel;

/// Rows that a thread sums at a time.
const PART: usize = 64;

/// The mean and the standard deviation of each feature, both (D): `z = (x - mean) / scale`.
///
/// As in scikit-learn's `StandardScaler`, the variance is over N, not N - 1, and the scale of a constant
/// feature is 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standard {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Standard {
    /// Computes both over the images with a weight other than 0, all their views alike.
    pub(crate) fn of(set: &LabelledFeatures<'_>, image_weights: &[f64]) -> Self {
        let (n, mean, variance) = moments(set, image_weights);
        let both = mean.iter().zip(&variance);
        let scale = both.map(|(mean, variance)| deviation(*variance, *mean, n));
        Self {
            scale: scale.collect(),
            mean,
        }
    }

    /// Computes only the mean over those images, with a scale of 1; `None` where centring would not help.
    ///
    /// Centring changes only the bias of a layer, which has no penalty, so the minimum stays the same. It
    /// takes fewer steps to reach, because features that are all positive share one steep direction: without
    /// centring, L-BFGS took two to three times as many steps. Where a few large rows dominate the mean, it
    /// took many times more steps with centring, so the squared mean must be more than a fifth of the mean
    /// square (pooled image features: a third or more; such rows: 0.07).
    pub(crate) fn centred(set: &LabelledFeatures<'_>, image_weights: &[f64]) -> Option<Self> {
        let (_, mean, variance) = moments(set, image_weights);
        let of_mean: f64 = mean.iter().map(|m| m * m).sum();
        let scale = vec![1.0; mean.len()];
        let spread: f64 = variance.iter().sum();
        (4.0 * of_mean > spread).then_some(Self { mean, scale })
    }

    /// Converts a layer on standardised features, weight (R, D) and bias (R), into the equivalent layer on
    /// raw features.
    pub(crate) fn fold(&self, weight: &mut [f64], bias: &mut [f64]) {
        let (mean, scale) = self.slices();
        for (row, bias) in weight.chunks_exact_mut(mean.len()).zip(bias) {
            for i in 0..mean.len() {
                row[i] /= scale[i];
                *bias -= row[i] * mean[i];
            }
        }
    }

    /// Converts the gradient with respect to that layer on raw features into the gradient with respect to the
    /// layer on standardised features.
    pub(crate) fn pull_back(&self, weight: &mut [f64], bias: &[f64]) {
        let (mean, scale) = self.slices();
        for (row, bias) in weight.chunks_exact_mut(mean.len()).zip(bias) {
            for i in 0..mean.len() {
                row[i] = (row[i] - bias * mean[i]) / scale[i];
            }
        }
    }

    /// Returns the mean and the scale of each feature, both (D).
    fn slices(&self) -> (&[f64], &[f64]) {
        (&self.mean, &self.scale[..self.mean.len()])
    }

    /// Returns the standardised features.
    pub(crate) fn apply(&self, features: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut features = features.to_owned();
        for mut row in features.rows_mut() {
            let numbers = row.iter_mut().zip(self.mean.iter().zip(&self.scale));
            numbers.for_each(|(x, (mean, scale))| *x = ((f64::from(*x) - mean) / scale) as f32);
        }
        features
    }

    /// [`apply`](Self::apply) for one row, in f64.
    #[inline(always)]
    pub(crate) fn apply_wide(&self, row: &mut [f64]) {
        for (x, (mean, scale)) in row.iter_mut().zip(self.mean.iter().zip(&self.scale)) {
            *x = (*x - mean) / scale;
        }
    }

    /// [`fold`](Self::fold) for a head.
    pub(crate) fn fold_head(&self, head: &LinearHead) -> LinearHead {
        let (mut weight, mut bias) = wide(head);
        self.fold(&mut weight, &mut bias);
        narrow(head, &weight, &bias)
    }

    /// Returns the head on standardised features that is equivalent to a head on raw features.
    pub(crate) fn unfold_head(&self, head: &LinearHead) -> LinearHead {
        let (mut weight, mut bias) = wide(head);
        for (row, bias) in weight.chunks_exact_mut(self.mean.len()).zip(&mut bias) {
            for ((w, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *bias += *w * mean;
                *w *= scale;
            }
        }
        narrow(head, &weight, &bias)
    }
}

/// Returns the number of rows whose image has a weight other than 0, and the mean and variance of each
/// feature over them, both (D).
fn moments(set: &LabelledFeatures<'_>, image_weights: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let counted = |row: &usize| image_weights[row / set.views()] != 0.0;
    let features = set.features();
    let rows: Vec<usize> = (0..features.nrows()).filter(counted).collect();
    let n = rows.len().max(1) as f64;
    let mean = means::<1>(&features, &rows, n, &vec![0.0; features.ncols()]);
    let variance = means::<2>(&features, &rows, n, &mean);
    (n, mean, variance)
}

/// Returns the mean over some rows of each feature's distance from a centre, to the power of 1 or 2, (D).
fn means<const POWER: u8>(
    features: &ArrayView2<'_, f32>,
    rows: &[usize],
    n: f64,
    centre: &[f64],
) -> Vec<f64> {
    let parts: Vec<&[usize]> = rows.chunks(PART).collect();
    let sums = in_parallel(parts.len(), |part| {
        let mut sums = vec![0.0; centre.len()];
        Arch::new().dispatch(Sum::<POWER> {
            features,
            rows: parts[part],
            centre,
            sums: &mut sums,
        });
        sums
    });
    let mut means = vec![0.0; centre.len()];
    for sums in sums {
        for (mean, sum) in means.iter_mut().zip(sums) {
            *mean += 1.0 / n * sum;
        }
    }
    means
}

/// The sums of [`means`], with loops compiled for the processor's vector instructions.
struct Sum<'a, 'f, const POWER: u8> {
    features: &'a ArrayView2<'f, f32>,
    rows: &'a [usize],
    centre: &'a [f64],
    sums: &'a mut [f64],
}

impl<const POWER: u8> WithSimd for Sum<'_, '_, POWER> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut copy = Vec::new();
        for &row in self.rows {
            let row = row_of(self.features, row, &mut copy);
            let d = self.centre.len();
            let (row, sums) = (&row[..d], &mut self.sums[..d]);
            for i in 0..d {
                let distance = f64::from(row[i]) - self.centre[i];
                sums[i] += if POWER == 1 {
                    distance
                } else {
                    distance * distance
                };
            }
        }
    }
}

/// Returns the square root of a variance, or 1 if the variance is only rounding error (scikit-learn's
/// `_is_constant_feature`).
fn deviation(variance: f64, mean: f64, n: f64) -> f64 {
    let rounding = n * f64::EPSILON * variance + (n * mean * f64::EPSILON).powi(2);
    if variance <= rounding {
        1.0
    } else {
        variance.sqrt()
    }
}

fn wide(head: &LinearHead) -> (Vec<f64>, Vec<f64>) {
    let (weight, bias) = head.slices();
    let wide = |numbers: &[f32]| numbers.iter().copied().map(f64::from).collect();
    (wide(weight), wide(bias))
}

fn narrow(shape: &LinearHead, weight: &[f64], bias: &[f64]) -> LinearHead {
    let weight: Vec<f32> = weight.iter().map(|w| *w as f32).collect();
    let weight = Array2::from_shape_vec(shape.weight().raw_dim(), weight);
    let bias: Array1<f32> = bias.iter().map(|b| *b as f32).collect();
    LinearHead::new(weight.expect("it has the head's shape"), bias)
        .expect("it has the head's shape")
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::classes::ClassIndex;

    #[test]
    fn deviations_are_scikit_learns_and_constants_stay() {
        // 1 and 3: mean 2, deviation 1 over N. 0.1 twice is constant. The last image has weight 0.
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[1.0f32, 0.1], [3.0, 0.1], [50.0, 7.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1, 1], &classes).unwrap();
        let standard = Standard::of(&set, &[1.0, 1.0, 0.0]);
        assert_eq!(standard.mean, [2.0, f64::from(0.1f32)]);
        assert_eq!(standard.scale, [1.0, 1.0]);
        let z = standard.apply(features.view());
        assert_eq!(z.row(0), array![-1.0, 0.0]);
    }

    #[test]
    fn features_are_centred_where_their_mean_is_much_of_them() {
        // 1 and 3: mean 2, variance 1, so the squared mean is 4 of 5. 1 and 50: mean 25.5, deviation 24.5. 3
        // and -1: mean 1, variance 4, which is not more than a fifth.
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[1.0f32], [3.0], [50.0], [-1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1, 1, 0], &classes).unwrap();
        let centred = |weights| Standard::centred(&set, weights);
        let expected = |mean| {
            Some(Standard {
                mean: vec![mean],
                scale: vec![1.0],
            })
        };
        assert_eq!(centred(&[1.0, 1.0, 0.0, 0.0]), expected(2.0));
        assert_eq!(centred(&[1.0, 0.0, 1.0, 0.0]), expected(25.5));
        assert_eq!(centred(&[0.0, 1.0, 0.0, 1.0]), None);
    }

    #[test]
    fn folding_changes_no_logit() {
        let standard = Standard {
            mean: vec![2.0, -1.0],
            scale: vec![4.0, 0.5],
        };
        let head = LinearHead::new(array![[1.0, 2.0], [-3.0, 0.5]], array![0.25, 1.0]).unwrap();
        let features = array![[6.0f32, -2.0], [2.0, 0.0]];
        let standardised = head.logits(standard.apply(features.view()).view()).unwrap();
        // z = (1, -2) and (0, 2): 1 - 4 + 0.25 and -3 - 1 + 1; 4 + 0.25 and 1 + 1.
        assert_eq!(standardised, array![[-2.75, -3.0], [4.25, 2.0]]);
        let folded = standard.fold_head(&head);
        assert_eq!(folded.logits(features.view()).unwrap(), standardised);
        assert_eq!(standard.unfold_head(&folded), head);
    }
}
