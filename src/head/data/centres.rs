//! Spherical k-means: centres of rows by their direction, as similarities are measured everywhere.

use ndarray::{Array2, ArrayView2};

use super::neighbours::{Neighbour, UnitRows, Wanted};
#[cfg(feature = "serve")]
use super::random::order_generator;

/// Returns `count` centres, (R, D), fitted to an even sample of at most `sample` rows (N, D), beginning with
/// rows at even distances. The result is deterministic.
pub(super) fn centres(
    rows: ArrayView2<'_, f32>,
    count: usize,
    sample: usize,
    rounds: usize,
) -> UnitRows {
    improved(evenly(rows, count), &evenly(rows, sample), rounds)
}

/// Returns at most `count` rows at even distances.
fn evenly(rows: ArrayView2<'_, f32>, count: usize) -> UnitRows {
    let n = rows.nrows();
    let count = count.min(n);
    let chosen: Vec<usize> = (0..count).map(|i| i * n / count).collect();
    UnitRows::some_of(rows, &chosen)
}

/// Moves centres to the middle of the rows that are nearest to them, again and again.
fn improved(mut centres: UnitRows, sample: &UnitRows, rounds: usize) -> UnitRows {
    for _ in 0..rounds {
        let nearest = nearest_centres(sample, &centres, 1);
        let mut sums = Array2::zeros(centres.0.dim());
        for (row, near) in sample.0.rows().into_iter().zip(&nearest) {
            sums.row_mut(near[0]).scaled_add(1.0, &row);
        }
        // A centre that is the nearest of no row stays.
        for (mut sum, centre) in sums.rows_mut().into_iter().zip(centres.0.rows()) {
            if sum.iter().all(|x| *x == 0.0) {
                sum.assign(&centre);
            }
        }
        centres = UnitRows::scaled(sums);
    }
    centres
}

/// Returns the `k` nearest centres of each row.
pub(super) fn nearest_centres(rows: &UnitRows, centres: &UnitRows, k: usize) -> Vec<Vec<usize>> {
    let of_row = |near: Vec<Neighbour>| near.iter().map(|n| n.row).collect();
    nearest(rows, centres, k).into_iter().map(of_row).collect()
}

fn nearest(rows: &UnitRows, centres: &UnitRows, k: usize) -> Vec<Vec<Neighbour>> {
    centres.nearest_seeing(rows, Wanted::nearest(k), |_, _, _| false)
}

/// Divides rows of features (N, D) into at most `count` clusters of rows that point in similar directions.
/// The centres are fitted to `sample` rows. The largest cluster comes first; in each, the row most similar to
/// its centre.
#[cfg(feature = "serve")]
pub(crate) fn clusters(
    rows: ArrayView2<'_, f32>,
    count: usize,
    sample: usize,
    rounds: usize,
) -> Vec<Vec<usize>> {
    /// Rows that are scaled at a time.
    const AT_ONCE: usize = 4096;
    let sample = evenly(rows, sample);
    let centres = improved(spread(&sample, count), &sample, rounds);
    let mut clusters: Vec<Vec<(f32, usize)>> = vec![Vec::new(); centres.len()];
    let mut row = 0;
    for some in rows.axis_chunks_iter(ndarray::Axis(0), AT_ONCE) {
        for near in nearest(&UnitRows::of(some), &centres, 1) {
            clusters[near[0].row].push((near[0].cosine, row));
            row += 1;
        }
    }
    clusters.retain(|cluster| !cluster.is_empty());
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.len()));
    for cluster in &mut clusters {
        cluster.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    let rows = |cluster: Vec<(f32, usize)>| cluster.into_iter().map(|(_, row)| row).collect();
    clusters.into_iter().map(rows).collect()
}

/// Draws rows that are far from each other: each with a probability in proportion to its squared distance
/// from the nearest one before (k-means++, Arthur and Vassilvitskii 2007).
#[cfg(feature = "serve")]
fn spread(sample: &UnitRows, count: usize) -> UnitRows {
    use rand_xoshiro::rand_core::Rng;
    let rows = sample.rows();
    let mut random = order_generator(0);
    let mut chosen = Vec::new();
    let mut distances = vec![1.0f64; rows.nrows()];
    while chosen.len() < count.min(rows.nrows()) {
        let all: f64 = distances.iter().sum();
        if all <= 0.0 {
            // All others are copies of those chosen.
            break;
        }
        let mut rest = all * (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let drawn = distances.iter().position(|distance| {
            rest -= distance;
            rest < 0.0
        });
        let drawn = drawn.unwrap_or(rows.nrows() - 1);
        chosen.push(drawn);
        let cosines = rows.dot(&rows.row(drawn));
        for (distance, cosine) in distances.iter_mut().zip(cosines) {
            // Of rows of length 1, half the squared distance.
            *distance = distance.min(1.0 - f64::from(cosine).min(1.0));
        }
    }
    UnitRows(rows.select(ndarray::Axis(0), &chosen))
}

#[cfg(all(test, feature = "serve"))]
mod tests {
    use super::*;

    #[test]
    fn rows_around_three_axes_are_three_clusters() {
        // 40 rows around the first axis, 30 around the second and 20 around the third, mixed; each is turned
        // away from its axis by its number in thousandths, so the first of each is the most typical.
        let axis = |i: usize| [0, 1, 2, 0, 1, 2, 0, 1, 0][i % 9];
        let rows = Array2::from_shape_fn((90, 4), |(i, j)| {
            let away = i as f32 / 1000.0;
            if j == 3 {
                away
            } else {
                f32::from(u8::from(j == axis(i)))
            }
        });
        let clusters = clusters(rows.view(), 3, 90, 10);
        let sizes: Vec<usize> = clusters.iter().map(Vec::len).collect();
        assert_eq!(sizes, [40, 30, 20]);
        for (number, cluster) in clusters.iter().enumerate() {
            assert!(cluster.iter().all(|&i| axis(i) == number), "{cluster:?}");
        }
    }
}
