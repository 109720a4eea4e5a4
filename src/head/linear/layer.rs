//! The linear layer: logits = features · weightᵀ + bias.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use pulp::Arch;
use serde::{Deserialize, Serialize};

use super::products::products;
use super::softmax::{log_softmax, softmax};
use crate::error::{Error, HeadError, Pair, Result};

/// How many products are added in f32; the sums of such blocks of features are added in f64.
const BLOCK: usize = 1024;

/// A linear layer: `weight` (C, D) and `bias` (C), as in `torch.nn.Linear(D, C)`.
///
/// Serde writes `weight` as C rows of D numbers and `bias` as C numbers. Deserialization fails if rows differ
/// in length, if `bias` does not have one number per row, or if a number is not finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Rows", into = "Rows")]
pub struct LinearHead {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

/// The serialized form of a head.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    weight: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

impl From<LinearHead> for Rows {
    fn from(head: LinearHead) -> Self {
        let rows = head.weight.rows().into_iter();
        Self {
            weight: rows.map(|row| row.to_vec()).collect(),
            bias: head.bias.to_vec(),
        }
    }
}

impl TryFrom<Rows> for LinearHead {
    type Error = Error;

    fn try_from(rows: Rows) -> Result<Self> {
        let shape = (rows.weight.len(), rows.weight.first().map_or(0, Vec::len));
        if rows.weight.iter().any(|row| row.len() != shape.1) {
            return Err(HeadError::Ragged.into());
        }
        let weight = Array2::from_shape_vec(shape, rows.weight.concat());
        let weight = weight.expect("all rows have the same length");
        let head = Self::new(weight, rows.bias.into())?;
        if head.is_finite() {
            return Ok(head);
        }
        Err(HeadError::RowsNotFinite.into())
    }
}

impl LinearHead {
    /// Creates a head from `weight` (C, D) and `bias` (C).
    ///
    /// # Errors
    /// [`HeadError::OtherBias`] when the two disagree on C.
    pub fn new(weight: Array2<f32>, bias: Array1<f32>) -> Result<Self> {
        if weight.nrows() == bias.len() {
            // Store it row-major, so that every row is a slice.
            let weight = if weight.is_standard_layout() {
                weight
            } else {
                weight.as_standard_layout().into_owned()
            };
            return Ok(Self {
                weight,
                bias: bias.into_iter().collect(),
            });
        }
        let (weight, bias) = (weight.nrows(), bias.len());
        Err(HeadError::OtherBias { weight, bias }.into())
    }

    /// Creates a head of zeros: all logits are 0 and all classes equally likely.
    #[must_use]
    pub fn zeros(n_classes: usize, n_features: usize) -> Self {
        let weight = Array2::zeros((n_classes, n_features));
        Self {
            weight,
            bias: Array1::zeros(n_classes),
        }
    }

    /// Returns the weight, (C, D), row-major.
    #[must_use]
    pub fn weight(&self) -> ArrayView2<'_, f32> {
        self.weight.view()
    }

    /// Returns the bias, (C).
    #[must_use]
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        self.bias.view()
    }

    /// Returns C, the number of classes.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.weight.nrows()
    }

    /// Returns D, the number of features per sample.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.weight.ncols()
    }

    /// Returns whether every weight and bias is finite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.weight.iter().chain(&self.bias).all(|x| x.is_finite())
    }

    /// Returns the logits of every sample, (N, D) → (N, C), summed in f32 and converted to f64.
    ///
    /// The logits of a row are bit-identical whatever other rows are passed with it.
    ///
    /// # Errors
    /// [`DataProblem::Widths`](crate::error::DataProblem::Widths) when the features do not have D columns.
    pub fn logits(&self, features: ArrayView2<'_, f32>) -> Result<Array2<f64>> {
        Pair::Head.require_equal([self.n_features(), features.ncols()])?;
        Ok(self.rows_to_logits(features))
    }

    /// Returns the natural logarithms of the class probabilities, (N, D) → (N, C).
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn log_softmax(&self, features: ArrayView2<'_, f32>) -> Result<Array2<f64>> {
        self.logits(features).map(log_softmax)
    }

    /// Returns the class probabilities, (N, D) → (N, C); each row sums to 1.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn predict_proba(&self, features: ArrayView2<'_, f32>) -> Result<Array2<f64>> {
        self.logits(features).map(softmax)
    }

    /// Returns weight and bias as slices.
    pub(crate) fn slices(&self) -> (&[f32], &[f32]) {
        let weight = self.weight.as_slice().expect("`new` stores it row-major");
        (
            weight,
            self.bias.as_slice().expect("`new` stores it contiguously"),
        )
    }

    /// [`logits`](Self::logits) for features that are known to have D columns.
    pub(crate) fn rows_to_logits(&self, features: ArrayView2<'_, f32>) -> Array2<f64> {
        let features = features.as_standard_layout();
        let (weight, bias) = self.slices();
        let rows = features.rows().into_iter();
        let rows = rows.map(|row| {
            row.to_slice()
                .expect("a row of a row-major matrix is contiguous")
        });
        let rows: Vec<&[f32]> = rows.collect();
        let weight: Vec<&[f32]> = weight.chunks_exact(self.n_features().max(1)).collect();
        let mut logits = Array2::zeros((rows.len(), bias.len()));
        logits += &self.bias.mapv(f64::from);
        let mut sums = vec![0.0; logits.len()];
        for start in (0..self.n_features()).step_by(BLOCK) {
            let columns = start..self.n_features().min(start + BLOCK);
            let (rows, weight) = (part(&rows, &columns), part(&weight, &columns));
            products(Arch::new(), &rows, &weight, &mut sums);
            for (logit, sum) in logits.iter_mut().zip(&sums) {
                *logit += f64::from(*sum);
            }
        }
        logits
    }
}

/// Returns some columns of rows.
fn part<'a>(rows: &[&'a [f32]], columns: &Range<usize>) -> Vec<&'a [f32]> {
    rows.iter().map(|row| &row[columns.clone()]).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{array, s};

    use super::*;

    fn head() -> LinearHead {
        LinearHead::new(array![[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]], array![0.5, 0.0]).unwrap()
    }

    #[test]
    fn serde_keeps_every_number_and_checks_what_it_reads() {
        let json = serde_json::to_string(&head()).unwrap();
        let expected = r#"{"weight":[[1.0,0.0,-1.0],[0.0,2.0,0.0]],"bias":[0.5,0.0]}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<LinearHead>(&json).unwrap(), head());
        for (json, problem) in [
            (r#"{"weight":[[1,2],[3]],"bias":[0,0]}"#, "differ in length"),
            (
                r#"{"weight":[[1],[3]],"bias":[0,0,0]}"#,
                "they have 2 and 3 classes",
            ),
            (r#"{"weight":[[1],[1e39]],"bias":[0,0]}"#, "not finite"),
            (r#"{"weight":[[1],[3]],"bias":[0,-1e39]}"#, "not finite"),
            (r#"{"weight":[[1],[3]]}"#, "missing field `bias`"),
        ] {
            // Through a value, so that a number beyond f32 reaches the head's own check.
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            let error = serde_json::from_value::<LinearHead>(value).unwrap_err();
            assert!(error.to_string().contains(problem), "{json}: {error}");
        }
    }

    #[test]
    fn logits_are_those_of_paper() {
        // Row 0: 1 - 3 + 0.5 = -1.5 and 2 * 2 = 4; row 1: 0.5 and 0.
        let logits = head()
            .logits(array![[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]].view())
            .unwrap();
        assert_eq!(logits, array![[-1.5, 4.0], [0.5, 0.0]]);
    }

    #[test]
    fn many_features_are_summed_in_f64() {
        let (d, w) = (100_000, 0.1_f32);
        let head = LinearHead::new(Array2::from_elem((1, d), w), array![16_777_216.0]).unwrap();
        let logits = head.logits(Array2::ones((1, d)).view()).unwrap();
        let exact = d as f64 * f64::from(w) + 16_777_216.0;
        // In f32, neither the bias nor the sum over all features would leave room for such digits.
        assert!((logits[[0, 0]] - exact).abs() < 0.01, "{}", logits[[0, 0]]);
    }

    #[test]
    fn a_transposed_or_strided_view_gives_the_same() {
        let features = array![[1.0, 9.0, 2.0, 9.0, 3.0]];
        let strided = head().logits(features.slice(s![.., ..;2])).unwrap();
        assert_eq!(strided, array![[-1.5, 4.0]]);
        let columns = array![[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]];
        assert_eq!(
            head().logits(columns.t()).unwrap().row(0),
            array![-1.5, 4.0]
        );
        let transposed = array![[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]].reversed_axes();
        let same = LinearHead::new(transposed, array![0.5, 0.0]).unwrap();
        assert_eq!(
            same.logits(array![[1.0, 2.0, 3.0]].view()).unwrap(),
            array![[-1.5, 4.0]]
        );
    }

    #[test]
    fn zeros_leave_all_classes_equally_likely() {
        let p = LinearHead::zeros(4, 2)
            .predict_proba(array![[3.0, -1.0]].view())
            .unwrap();
        assert!(p.iter().all(|p| (p - 0.25).abs() < 1e-15));
        let log_p = LinearHead::zeros(4, 2)
            .log_softmax(array![[3.0, -1.0]].view())
            .unwrap();
        assert!((log_p[[0, 3]] + 4f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn other_widths_are_refused_with_both_named() {
        let error = head().logits(array![[1.0, 2.0]].view()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("they have 3 and 2 features per image"),
            "{error}"
        );
        assert!(LinearHead::new(array![[1.0]], array![1.0, 2.0]).is_err());
    }
}
