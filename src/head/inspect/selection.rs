//! Picks the unlabelled images most worth labelling: those that a head is least confident about, without
//! near-duplicates.
//!
//! Margin sampling (Settles, *Active Learning Literature Survey*, 2009, § 3.1). Of near-duplicates only the
//! first is picked; otherwise an image that the pool contains ten times would be picked ten times. Three
//! alternatives gained less in simulations on two sets of images: entropy instead of the margin, the margin
//! times the distance to the images already picked or labelled, and a greedy k-centre selection without a
//! margin, which was worse than picking at random.

use crate::head::data::UnitRows;

/// How many images to pick, and how similar they may be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SelectionParams {
    /// The most images to pick.
    pub top: usize,
    /// Cosine similarity, in (0, 1], from which an image counts as a near-duplicate of an earlier pick.
    pub near: f32,
}

impl SelectionParams {
    /// Creates parameters for at most `top` picks that are all less similar to each other than `near`.
    #[must_use]
    pub fn new(top: usize, near: f32) -> Self {
        Self { top, near }
    }
}

/// An image worth labelling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// Its row, from 0.
    pub row: usize,
    /// One minus the margin between its two most probable classes, in [0, 1]; 1 if both are equally probable.
    pub uncertainty: f64,
    /// Cosine distance to the nearest earlier pick, in [0, 2]; None for the first pick.
    pub distance: Option<f64>,
}

/// Picks rows of features (N, D) with these [uncertainties](uncertainty) (N), the least confident first; ties
/// go to the earlier row.
///
/// Computes at most `top` · N · D products. Returns fewer than `top` picks if all other rows are
/// near-duplicates of a pick.
///
/// # Panics
/// When the two differ in length.
#[must_use]
pub fn select(uncertainties: &[f64], rows: &UnitRows, params: SelectionParams) -> Vec<Pick> {
    assert_eq!(
        uncertainties.len(),
        rows.len(),
        "`uncertainties` must match `rows`"
    );
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

/// Returns the cosine similarity of a row to the pick that it is most similar to.
fn nearest(rows: &UnitRows, row: usize, picks: &[Pick]) -> Option<f32> {
    let rows = rows.rows();
    let cosine = |pick: &Pick| rows.row(row).dot(&rows.row(pick.row));
    picks.iter().map(cosine).reduce(f32::max)
}

/// Returns one minus the difference between the two largest of the probabilities of a sample's classes, in
/// [0, 1].
#[must_use]
pub fn uncertainty(probabilities: &[f64]) -> f64 {
    let mut largest = [0.0; 2];
    for &p in probabilities {
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
        let p = [
            [0.5, 0.4, 0.1],
            [0.0, 0.5, 0.5],
            [0.0, 0.5, 0.5],
            [0.1, 0.2, 0.7],
        ]
        .map(|p| uncertainty(&p));
        // Row 2 duplicates row 1; row 0 is at a right angle to it, row 3 at 60 degrees to row 0.
        let features = array![[1.0, 0.0], [0.0, 1.0], [0.0, 3.0], [0.5, 0.75f32.sqrt()]];
        let rows = UnitRows::of(features.view());
        let params = SelectionParams { top: 9, near: 0.99 };
        let picks = select(&p, &rows, params);
        assert_eq!(rows_of(&picks), [1, 0, 3]);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(picks[0].distance.is_none() && close(picks[0].uncertainty, 1.0));
        assert!(close(picks[1].uncertainty, 0.9) && close(picks[1].distance.unwrap(), 1.0));
        // Row 3 is at 30 degrees to row 1.
        assert!(close(picks[2].uncertainty, 0.5));
        assert!(close(picks[2].distance.unwrap(), 1.0 - 0.75f64.sqrt()));
        let one = SelectionParams { top: 1, ..params };
        assert_eq!(rows_of(&select(&p, &rows, one)), [1]);
        let wide = SelectionParams {
            near: 0.8,
            ..params
        };
        assert_eq!(rows_of(&select(&p, &rows, wide)), [1, 0]);
    }

    #[test]
    fn nothing_gives_nothing() {
        let features = ndarray::Array2::zeros((0, 3));
        let params = SelectionParams { top: 5, near: 1.0 };
        assert!(select(&[], &UnitRows::of(features.view()), params).is_empty());
    }
}
