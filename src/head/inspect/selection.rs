//! Which of many unlabelled images to label next: those that a head is least sure of, none nearly equal to
//! another.
//!
//! Margin sampling (Settles, *Active Learning Literature Survey*, 2009, § 3.1). It would pick the same image
//! ten times over where the pool holds it ten times, so of nearly equal ones the first is picked alone. Tried
//! and left out, by simulation on two sets of images: entropy in place of the margin, the margin times the
//! distance to what is picked or labelled already, and a greedy k-centre without a margin. They gained less,
//! the last less than picking at random.

use ndarray::{ArrayView1, ArrayView2, Axis};

use crate::head::data::UnitRows;

/// How many images to pick, and how similar they may be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SelectionParams {
    /// The most picks.
    pub top: usize,
    /// Nothing is picked whose cosine with an earlier pick is this or more, in (0, 1].
    pub near: f32,
}

impl SelectionParams {
    /// At most `top` picks, of which no two are as near as `near`.
    #[must_use]
    pub fn new(top: usize, near: f32) -> Self {
        Self { top, near }
    }
}

/// An image that is worth labelling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// Its row, from 0.
    pub row: usize,
    /// What it is picked for: one less the margin between its two most probable classes, in [0, 1]; 1 where
    /// the head cannot tell them apart.
    pub uncertainty: f64,
    /// The cosine distance to the nearest earlier pick, in [0, 2]; none for the first.
    pub distance: Option<f64>,
}

/// Picks rows of probabilities (N, C) and features (N, D), the least sure first, the earlier row first among
/// equals.
///
/// Takes at most `top` · N · D products; fewer than `top` are picked where all others are nearly equal to a
/// pick.
///
/// # Panics
/// When the two differ in length.
#[must_use]
pub fn select(
    probabilities: ArrayView2<'_, f64>,
    rows: &UnitRows,
    params: SelectionParams,
) -> Vec<Pick> {
    assert_eq!(
        probabilities.nrows(),
        rows.len(),
        "probabilities for each row"
    );
    let uncertainties: Vec<f64> = probabilities.axis_iter(Axis(0)).map(uncertainty).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| uncertainties[b].total_cmp(&uncertainties[a]));
    let mut picks: Vec<Pick> = Vec::new();
    for row in order {
        if picks.len() == params.top {
            break;
        }
        let nearest = nearest(rows, row, &picks);
        if nearest.is_none_or(|cosine| cosine < params.near) {
            picks.push(Pick {
                row,
                uncertainty: uncertainties[row],
                distance: nearest.map(|cosine| 1.0 - f64::from(cosine)),
            });
        }
    }
    picks
}

/// The cosine of a row with the pick that it is most like.
fn nearest(rows: &UnitRows, row: usize, picks: &[Pick]) -> Option<f32> {
    let rows = rows.rows();
    let cosine = |pick: &Pick| rows.row(row).dot(&rows.row(pick.row));
    picks.iter().map(cosine).reduce(f32::max)
}

/// One less the difference of the two largest.
fn uncertainty(p: ArrayView1<'_, f64>) -> f64 {
    let mut largest = [0.0; 2];
    for &p in p {
        if p > largest[0] {
            largest = [p, largest[0]];
        } else if p > largest[1] {
            largest[1] = p;
        }
    }
    1.0 - (largest[0] - largest[1])
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn rows_of(picks: &[Pick]) -> Vec<usize> {
        picks.iter().map(|pick| pick.row).collect()
    }

    #[test]
    fn the_least_sure_come_first_and_copies_of_them_never() {
        let p = array![
            [0.5, 0.4, 0.1],
            [0.0, 0.5, 0.5],
            [0.0, 0.5, 0.5],
            [0.1, 0.2, 0.7]
        ];
        // Row 2 is row 1 again; row 0 stands at a right angle to it, row 3 at 60 degrees to row 0.
        let features = array![[1.0, 0.0], [0.0, 1.0], [0.0, 3.0], [0.5, 0.75f32.sqrt()]];
        let rows = UnitRows::of(features.view());
        let params = SelectionParams { top: 9, near: 0.99 };
        let picks = select(p.view(), &rows, params);
        assert_eq!(rows_of(&picks), [1, 0, 3]);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(picks[0].distance.is_none() && close(picks[0].uncertainty, 1.0));
        assert!(close(picks[1].uncertainty, 0.9) && close(picks[1].distance.unwrap(), 1.0));
        // Row 3 is 30 degrees from row 1.
        assert!(close(picks[2].uncertainty, 0.5));
        assert!(close(picks[2].distance.unwrap(), 1.0 - 0.75f64.sqrt()));
        let one = SelectionParams { top: 1, ..params };
        assert_eq!(rows_of(&select(p.view(), &rows, one)), [1]);
        let wide = SelectionParams {
            near: 0.8,
            ..params
        };
        assert_eq!(rows_of(&select(p.view(), &rows, wide)), [1, 0]);
    }

    #[test]
    fn nothing_gives_nothing() {
        let (p, features) = (
            ndarray::Array2::zeros((0, 2)),
            ndarray::Array2::zeros((0, 3)),
        );
        let params = SelectionParams { top: 5, near: 1.0 };
        assert!(select(p.view(), &UnitRows::of(features.view()), params).is_empty());
    }
}
