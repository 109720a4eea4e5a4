//! Finds outliers by the distance to their nearest neighbours.

use ndarray::Axis;

use crate::head::data::{Neighbour, NeighbourSearch, UnitRows, lower};
use crate::head::evaluate::quantile;

/// Neighbours that the distance averages over: one near-duplicate does not hide an outlier, and a handful of
/// odd images is still found.
pub(crate) const OUTLIER_NEIGHBOURS: usize = 5;

/// Tukey's inner fence, in interquartile ranges above the upper quartile. Distances in hundreds of dimensions
/// are close together: the outer fence, at 3, found none of the images of another data set that were mixed
/// into one of clothes.
const FENCE: f64 = 1.5;

/// The distance of each of N rows to its neighbours, and the limit beyond which it is an outlier.
///
/// The ranking is more useful than the limit: a single image of another data set among 926 of clothes ranked
/// among the first six on average, and a third of such images were beyond the limit. Distances relative to
/// those of the neighbours (local outlier factors), and distances after subtracting the mean, ranked worse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Distances {
    /// Mean cosine distance (1 − cosine) of each row to its nearest other rows, (N), each in [0, 2]; 0
    /// without other rows.
    pub of_row: Vec<f64>,
    /// For each row, the upper quartile plus one and a half interquartile ranges, over all rows or over those
    /// of its class, (N); infinite for fewer than 4 rows (Tukey, *Exploratory Data Analysis*, 1977).
    pub limits: Vec<f64>,
    /// The lowest recall of the searches within the classes; `None` if all were exact.
    pub recall: Option<f64>,
}

impl Distances {
    /// Computes the distances from the nearest other rows of each row, of which the first
    /// [`OUTLIER_NEIGHBOURS`] count.
    #[must_use]
    pub(crate) fn of(nearest_others: &[Vec<Neighbour>]) -> Self {
        let of_row: Vec<f64> = nearest_others
            .iter()
            .map(|near| mean_distance(near))
            .collect();
        Self {
            limits: vec![limit(&of_row); of_row.len()],
            of_row,
            recall: None,
        }
    }

    /// Computes the distances and limits within each class: only rows with the same target are neighbours.
    ///
    /// # Panics
    /// When `rows` and `targets` differ in length.
    #[must_use]
    pub(crate) fn within_classes(rows: &UnitRows, targets: &[usize]) -> Self {
        assert_eq!(rows.len(), targets.len(), "`targets` must match `rows`");
        let classes = targets.iter().max().map_or(0, |largest| largest + 1);
        let (mut of_row, mut limits) = (vec![0.0; rows.len()], vec![f64::INFINITY; rows.len()]);
        let mut recall = None;
        for class in 0..classes {
            let members: Vec<usize> = (0..rows.len())
                .filter(|&row| targets[row] == class)
                .collect();
            let own = UnitRows::scaled(rows.rows().select(Axis(0), &members));
            let search = NeighbourSearch::among(own, members.len(), OUTLIER_NEIGHBOURS);
            recall = lower(recall, search.recall());
            let own = Self::of(&search.nearest_others(OUTLIER_NEIGHBOURS));
            for (place, row) in members.into_iter().enumerate() {
                (of_row[row], limits[row]) = (own.of_row[place], own.limits[place]);
            }
        }
        Self {
            of_row,
            limits,
            recall,
        }
    }

    /// Returns whether a row is beyond its limit.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub(crate) fn is_beyond(&self, row: usize) -> bool {
        self.of_row[row] > self.limits[row]
    }

    /// Returns the rows beyond their limits and the `at_least` farthest rows, farthest first.
    #[must_use]
    pub(crate) fn farthest(&self, at_least: usize) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.of_row.len()).collect();
        rows.sort_by(|&a, &b| self.of_row[b].total_cmp(&self.of_row[a]));
        let ranked = rows.into_iter().enumerate();
        ranked
            .filter(|&(rank, row)| rank < at_least || self.is_beyond(row))
            .map(|(_, row)| row)
            .collect()
    }
}

fn mean_distance(nearest: &[Neighbour]) -> f64 {
    let nearest = &nearest[..nearest.len().min(OUTLIER_NEIGHBOURS)];
    let sum: f64 = nearest
        .iter()
        .map(|near| 1.0 - f64::from(near.cosine))
        .sum();
    sum / nearest.len().max(1) as f64
}

fn limit(distances: &[f64]) -> f64 {
    const FEWEST: usize = 4;
    let mut sorted = distances.to_vec();
    sorted.sort_by(f64::total_cmp);
    match [0.25, 0.75].map(|share| quantile(&sorted, share)) {
        [Some(lower), Some(upper)] if sorted.len() >= FEWEST => upper + FENCE * (upper - lower),
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn the_one_that_points_elsewhere_is_far() {
        // Rows at angles of 0 to 0.19 radians, and one at a right angle to the first.
        let features = Array2::from_shape_fn((21, 2), |(row, column)| {
            let angle = if row == 20 {
                90f64.to_radians()
            } else {
                row as f64 / 100.0
            };
            (if column == 0 {
                angle.cos()
            } else {
                angle.sin()
            }) as f32
        });
        let rows = UnitRows::of(features.view());
        let distances = Distances::of(&rows.nearest_others(OUTLIER_NEIGHBOURS));
        assert_eq!(distances.farthest(1)[0], 20);
        assert!(distances.is_beyond(20));
        // Its nearest rows are 19 to 15, at one minus the sine of their angles.
        let wanted = (15..20)
            .map(|row| 1.0 - (f64::from(row) / 100.0).sin())
            .sum::<f64>()
            / 5.0;
        assert!((distances.of_row[20] - wanted).abs() < 1e-6);
    }

    #[test]
    fn those_beyond_and_the_farthest_are_listed() {
        let distances = Distances {
            of_row: vec![0.1, 0.4, 0.3, 0.2],
            limits: vec![0.05, 0.5, 0.5, 0.5],
            recall: None,
        };
        assert_eq!(distances.farthest(0), [0]);
        assert_eq!(distances.farthest(2), [1, 2, 0]);
    }

    #[test]
    fn within_classes_other_classes_do_not_count() {
        let features = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0], [1.0, 0.0]];
        let rows = UnitRows::of(features.view());
        let distances = Distances::within_classes(&rows, &[0, 0, 0, 1, 2]);
        // A right angle, and the angle whose tangent is 0.1.
        let small = 1.0 - 1.0 / 1.01f64.sqrt();
        assert!((distances.of_row[0] - f64::midpoint(1.0, small)).abs() < 1e-6);
        assert_eq!(distances.of_row[3..], [0.0, 0.0]);
    }

    #[test]
    fn the_limit_is_one_and_a_half_ranges_above_the_upper_quartile() {
        // numpy.quantile([1, 2, 4, 8], [0.25, 0.75]) is [1.75, 5.0].
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((limit(&sorted) - (5.0 + 1.5 * 3.25)).abs() < 1e-12);
        assert!(limit(&sorted[..3]).is_infinite());
    }
}
