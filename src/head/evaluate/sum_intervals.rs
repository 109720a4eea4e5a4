//! The intervals of metrics that come from sums and histograms.

use super::bootstrap::Bootstrap;
use super::confusion::{Counts, mean};
use super::evaluation::Evaluation;
use super::histogram::Area;
use super::interval::Interval;
use super::intervals::{ClassIntervals, Intervals};
use super::sums::Sums;
use crate::error::Result;

/// The number of resampled metrics that are not those of a class.
const OVERALL: usize = 3;

impl Sums {
    /// Returns the intervals of the metrics: what follows from the confusion matrix by resampling its cells,
    /// shares of samples by Wilson's interval, and means and areas by their variance.
    ///
    /// # Errors
    /// Those of [`Bootstrap::check_for`].
    pub(super) fn intervals(
        &self,
        of: &Evaluation,
        areas: &[Option<Area>],
        bootstrap: Bootstrap,
    ) -> Result<Intervals> {
        let resampled = self.resampled(areas.len(), bootstrap)?;
        let n = of.n_samples as u64;
        let share = |part: u64| Interval::wilson(part, n).expect("there are samples");
        let per_class = areas.iter().enumerate().map(|(class, area)| {
            let [support, predicted] = of.confusion.margins(class).map(|n| n as u64);
            let right = of.confusion.count(class, class) as u64;
            let known = |area: &Area| (area.variances.iter().sum(), area.error);
            let normal = |area: Area| Interval::normal(area.value, known(&area), 1.0);
            ClassIntervals {
                precision: Interval::wilson(right, predicted),
                recall: Interval::wilson(right, support),
                f1: resampled[OVERALL + class],
                roc_auc: area.and_then(normal),
            }
        });
        let cells = of.confusion.cells().iter().map(|cell| {
            let [support, _] = of.confusion.margins(cell.truth);
            Interval::wilson(cell.n as u64, support as u64)
        });
        let reliability = self.bins.right();
        Ok(Intervals {
            bootstrap,
            accuracy: share(of.n_right() as u64),
            balanced_accuracy: resampled[0],
            macro_f1: resampled[1],
            weighted_f1: resampled[2],
            log_loss: Interval::normal(of.log_loss, (self.surprise.variance(), 0.0), f64::INFINITY),
            brier_score: Interval::normal(of.brier_score, (self.squared.variance(), 0.0), 2.0),
            roc_auc: (of.roc_auc).and_then(|value| {
                Interval::normal(value, (variance_of_mean(areas), mean_error(areas)), 1.0)
            }),
            top_k: self.hits.iter().map(|hits| share(*hits)).collect(),
            per_class: per_class.collect(),
            confusion_shares: cells.collect(),
            reliability: reliability
                .map(|(right, n)| Interval::wilson(right, n))
                .collect(),
        })
    }

    /// Returns the intervals of the balanced accuracy, the macro F1, the weighted F1, and the F1 of each
    /// class.
    fn resampled(&self, n_classes: usize, bootstrap: Bootstrap) -> Result<Vec<Option<Interval>>> {
        let figures = OVERALL + n_classes;
        bootstrap.check_for(figures)?;
        let cells: Vec<_> = self.cells.keys().copied().collect();
        let counts: Vec<_> = self.cells.values().copied().collect();
        let rows = bootstrap.resample_counts(&counts, |drawn| {
            let counts = Counts::of_cells(n_classes, &cells, drawn);
            let overall = [
                counts.balanced_accuracy(),
                counts.macro_f1(),
                counts.weighted_f1(),
            ];
            let f1 = (0..n_classes).map(|class| counts.f1(class).unwrap_or(f64::NAN));
            overall.into_iter().chain(f1).collect::<Vec<f64>>()
        });
        let column = |place: usize| rows.iter().map(move |row| row[place]);
        let interval =
            |place| Interval::of(column(place).filter(|value| !value.is_nan()).collect());
        Ok((0..figures).map(interval).collect())
    }
}

/// Returns the largest error of the mean area.
fn mean_error(areas: &[Option<Area>]) -> f64 {
    mean(areas.iter().flatten().map(|area| area.error)).unwrap_or_default()
}

/// Returns an upper bound of the variance of the mean area. The samples of different classes are independent,
/// but each sample is among the others of many classes, whose areas may all move together.
fn variance_of_mean(areas: &[Option<Area>]) -> f64 {
    let known = || areas.iter().flatten();
    // With two classes, both areas are the same.
    if let [Some(area), Some(_)] = areas {
        return area.variances.iter().sum();
    }
    let n = known().count() as f64;
    let own = known().map(|area| area.variances[0]).sum::<f64>().sqrt() / n;
    let others = known().map(|area| area.variances[1].sqrt()).sum::<f64>() / n;
    (own + others).powi(2)
}
