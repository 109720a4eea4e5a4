//! The shares of the predicted classes, against those of the training images.

use serde::Serialize;

use super::tests_of_two::chi_squared_tail;

/// Classes that are expected less often are tested together (Cochran 1954).
const FEWEST_EXPECTED: f64 = 5.0;

/// The shares of the classes that new images are predicted as, against those of the training images out of
/// fold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ShareShift {
    /// Half the sum of the differences of all shares (total variation), in [0, 1]: the share of images that
    /// would have to be of another class.
    pub size: f64,
    /// The probability of such differences if the shares are the same, in [0, 1]: the chi-squared test of
    /// homogeneity, with classes that are expected fewer than five times taken together.
    pub p_value: f64,
    /// Pearson's statistic.
    pub chi_squared: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: usize,
    /// The share of each class, in the order of the head.
    pub classes: Vec<ClassShare>,
}

/// The share of a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClassShare {
    /// The class.
    pub class: String,
    /// Its share of the predictions for new images, in [0, 1].
    pub share: f64,
    /// Its share of the out-of-fold predictions for training images, in [0, 1].
    pub training_share: f64,
}

impl ShareShift {
    /// Compares how often each class was predicted, for at least one image on both sides.
    pub(crate) fn of<'a>(
        names: impl Iterator<Item = &'a str>,
        new: &[usize],
        training: &[usize],
    ) -> Self {
        let [n, m] = [new, training].map(|counts| counts.iter().sum::<usize>() as f64);
        let share = |(class, (&new, &training)): (&str, (&usize, &usize))| ClassShare {
            class: class.to_owned(),
            share: new as f64 / n,
            training_share: training as f64 / m,
        };
        let classes: Vec<_> = names.zip(new.iter().zip(training)).map(share).collect();
        let differences = classes
            .iter()
            .map(|class| (class.share - class.training_share).abs());
        let size = differences.sum::<f64>() / 2.0;
        let columns = columns(new, training);
        let chi_squared = pearson(&columns);
        let degrees_of_freedom = columns.len().saturating_sub(1);
        Self {
            size,
            p_value: match degrees_of_freedom {
                0 => 1.0,
                degrees => chi_squared_tail(chi_squared, degrees),
            },
            chi_squared,
            degrees_of_freedom,
            classes,
        }
    }
}

/// Returns the counts of the classes, with the rare ones in one column: those that are expected fewer than
/// five times on one of the sides, and as many more as it takes for their sum to be expected so often.
fn columns(new: &[usize], training: &[usize]) -> Vec<[f64; 2]> {
    let counts = new
        .iter()
        .zip(training)
        .map(|(&new, &training)| [new as f64, training as f64]);
    let mut counts: Vec<[f64; 2]> = counts.filter(|[a, b]| a + b > 0.0).collect();
    counts.sort_by(|a, b| (a[0] + a[1]).total_cmp(&(b[0] + b[1])));
    let [n, m] = [0, 1].map(|side| counts.iter().map(|column| column[side]).sum::<f64>());
    let smaller = n.min(m) / (n + m);
    let is_rare = |[a, b]: &[f64; 2]| (a + b) * smaller < FEWEST_EXPECTED;
    let mut rare = [0.0; 2];
    let mut kept = Vec::new();
    for column in counts {
        let has_rare = rare[0] + rare[1] > 0.0;
        if is_rare(&column) || has_rare && is_rare(&rare) {
            rare = [rare[0] + column[0], rare[1] + column[1]];
        } else {
            kept.push(column);
        }
    }
    if rare[0] + rare[1] > 0.0 {
        kept.push(rare);
    }
    kept
}

/// Returns Pearson's statistic of a table with two rows.
fn pearson(columns: &[[f64; 2]]) -> f64 {
    let sums = [0, 1].map(|side| columns.iter().map(|column| column[side]).sum::<f64>());
    let total = sums[0] + sums[1];
    let term = |column: &[f64; 2], side: usize| {
        let expected = (column[0] + column[1]) * sums[side] / total;
        (column[side] - expected).powi(2) / expected
    };
    let terms = columns
        .iter()
        .map(|column| term(column, 0) + term(column, 1));
    terms.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(new: &[usize], training: &[usize]) -> ShareShift {
        ShareShift::of(["a", "b", "c", "d"].into_iter(), new, training)
    }

    #[test]
    fn the_size_is_the_share_that_would_have_to_change() {
        let found = shift(&[50, 50, 0, 0], &[80, 120, 0, 0]);
        assert!((found.size - 0.1).abs() < 1e-12);
        // 130 and 170 of 300: expected 43.3, 56.7, 86.7 and 113.3, each off by 6.7.
        let off = 20.0f64 / 3.0;
        let wanted = off * off * (3.0 / 130.0 + 3.0 / 170.0 + 1.5 / 130.0 + 1.5 / 170.0);
        assert!((found.chi_squared - wanted).abs() < 1e-9);
        assert_eq!(found.degrees_of_freedom, 1);
        assert!((found.classes[1].share - 0.5).abs() < 1e-12);
        assert!((found.classes[1].training_share - 0.6).abs() < 1e-12);
    }

    #[test]
    fn rare_classes_are_tested_together() {
        // Expected on the smaller side: 30, 12, 4 and 3.
        assert_eq!(columns(&[30, 12, 4, 3], &[60, 24, 8, 6]).len(), 3);
        // 1 alone is too few, so the next class joins it.
        assert_eq!(columns(&[30, 12, 1, 0], &[60, 24, 0, 0]).len(), 2);
        let one = shift(&[9, 0, 0, 0], &[7, 0, 0, 0]);
        assert_eq!((one.p_value, one.degrees_of_freedom), (1.0, 0));
    }
}
