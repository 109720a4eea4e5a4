//! How far new images are from the training images, compared with how far these are from each other.

use serde::Serialize;

use super::tests_of_two::excess;
use crate::error::Result;
use crate::head::data::{Groups, Neighbour, NeighbourSearch, UnitRows, Wanted};

/// The distances of new images to their nearest training image, against those of the training images to
/// their nearest other one. A distance is 1 minus the cosine similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DistanceShift {
    /// The largest excess of the share of new images that are farther than some distance over the share of
    /// training images, in [0, 1]: at least about this share of the new images is unlike the training images.
    pub size: f64,
    /// The probability of such an excess if the new images are like the training images, in [0, 1].
    pub p_value: f64,
    /// The median distance of the new images.
    pub median: f64,
    /// The median distance of the training images.
    pub training_median: f64,
}

impl DistanceShift {
    /// Compares the distances, both of at least one image.
    pub(crate) fn of(new: &[f64], training: &[f64]) -> Self {
        let (size, p_value) = excess(new, training);
        Self {
            size,
            p_value,
            median: median(new),
            training_median: median(training),
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2])
}

/// Returns the distance of each new image to its nearest training image.
///
/// # Errors
/// [`DataProblem::Widths`](crate::error::DataProblem::Widths) when the two do not have the same D.
pub(crate) fn nearest_training(new: &UnitRows, training: &UnitRows) -> Result<Vec<f64>> {
    let search = NeighbourSearch::among(training, new.len(), 1);
    Ok(distances(search.nearest(new, 1)?).collect())
}

/// Returns the distance of one image of each group to the nearest one of another group: an image's copies and
/// near-duplicates are much nearer to it than new images are.
pub(crate) fn nearest_others(rows: &UnitRows, groups: &Groups) -> Vec<f64> {
    let group = groups.of_row();
    let search = NeighbourSearch::among(rows, rows.len(), 1);
    let same = |one: usize, other: usize, _| group[one] == group[other];
    let all: Vec<_> = search.seeing(rows, Wanted::nearest(1), same);
    let firsts = groups.firsts().into_iter().map(|row| all[row].clone());
    distances(firsts.collect()).collect()
}

fn distances(nearest: Vec<Vec<Neighbour>>) -> impl Iterator<Item = f64> {
    let nearest = nearest.into_iter().filter_map(|near| near.first().copied());
    nearest.map(|near| 1.0 - f64::from(near.cosine))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn copies_are_no_neighbours_and_count_once() {
        let rows = array![[1.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 4.0]];
        let rows = UnitRows::of(rows.view());
        let digests = [[1; 32], [1; 32], [2; 32], [3; 32]];
        let found = nearest_others(&rows, &Groups::of_equal(&digests));
        // The cosines of (3, 4) / 5 with the axes are 0.6 and 0.8.
        let wanted = [0.4, 0.2, 0.2];
        assert!(
            found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6),
            "{found:?}"
        );
        let new: Array2<f32> = array![[0.0, 1.0], [-1.0, 0.0]];
        let found = nearest_training(&UnitRows::of(new.view()), &rows).unwrap();
        assert!(found[0].abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn medians_of_even_and_odd_numbers() {
        let shift = DistanceShift::of(&[4.0, 1.0, 3.0, 2.0], &[5.0, 1.0, 2.0]);
        assert!((shift.median - 2.5).abs() < 1e-12 && (shift.training_median - 2.0).abs() < 1e-12);
    }
}
