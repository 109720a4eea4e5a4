//! How good the head is, and whether more labels would help.

use serde::Serialize;

use super::analyses::CrossValidated;
use super::labeller::{Inner, Labeller};
use crate::head::{Interval, LearningPoint};
use crate::phrases::counted;

/// The fewest labelled images for an extrapolation.
const FEWEST: usize = 50;

/// How good the head is.
#[derive(Debug, Serialize)]
pub(super) struct Progress {
    revision: u64,
    computing: bool,
    n_labelled: usize,
    accuracy: Option<Share>,
    per_class: Vec<OfClass>,
    learning_curve: Vec<Point>,
    sentence: String,
    left: usize,
}

/// A share with its 95 % interval.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Share {
    value: f64,
    low: f64,
    high: f64,
    n: usize,
}

#[derive(Debug, Serialize)]
struct OfClass {
    name: String,
    n: usize,
    recall: Option<Share>,
}

#[derive(Debug, Serialize)]
struct Point {
    n: usize,
    accuracy: f64,
    low: f64,
    high: f64,
}

impl Share {
    fn of(right: usize, n: usize) -> Option<Self> {
        let interval = Interval::wilson(right as u64, n as u64)?;
        Some(Self {
            value: right as f64 / n as f64,
            low: interval.low,
            high: interval.high,
            n,
        })
    }
}

impl Labeller {
    /// Returns how good the head is; it may be about labels of a moment ago.
    pub(super) fn progress(&self) -> Progress {
        let mut inner = self.lock();
        let edition = inner.edition;
        let ready = inner.vectors.is_some();
        let analyses = &mut inner.analyses;
        let validating = analyses.cross_validation.want(edition);
        let computing = analyses.curve.want(edition) || validating || !ready;
        self.wanted.notify_all();
        let validated = inner.analyses.cross_validation.get();
        let curve = inner.analyses.curve.get();
        let curve = curve.as_deref().map_or(&[][..], Vec::as_slice);
        let tags = &inner.labelling.history.tags;
        let per_class = tags.classes().iter().map(|&class| OfClass {
            name: tags.name(class).to_owned(),
            n: tags.count(class),
            recall: validated
                .as_ref()
                .and_then(|validated| validated.recall(class)),
        });
        let point = |point: &LearningPoint| Point {
            n: point.n,
            accuracy: point.mean,
            low: point.low,
            high: point.high,
        };
        let accuracy = validated
            .as_ref()
            .and_then(|validated| validated.accuracy());
        Progress {
            revision: inner.revision,
            computing,
            n_labelled: tags.n_labelled(),
            accuracy,
            per_class: per_class.collect(),
            learning_curve: curve.iter().map(point).collect(),
            sentence: sentence(&inner, accuracy, curve, computing),
            left: inner.n_unlabelled(),
        }
    }
}

impl CrossValidated {
    pub(super) fn accuracy(&self) -> Option<Share> {
        Share::of(
            self.right.iter().filter(|right| **right).count(),
            self.right.len(),
        )
    }

    fn recall(&self, class: u32) -> Option<Share> {
        let target = self
            .training
            .classes
            .iter()
            .position(|known| *known == class)?;
        let images = self.training.targets.iter().zip(&self.right);
        let own: Vec<bool> = images
            .filter(|(of, _)| **of == target)
            .map(|(_, right)| *right)
            .collect();
        Share::of(own.iter().filter(|right| **right).count(), own.len())
    }
}

/// Says what more labels would do, as far as that is known.
fn sentence(
    inner: &Inner,
    accuracy: Option<Share>,
    curve: &[LearningPoint],
    computing: bool,
) -> String {
    let tags = &inner.labelling.history.tags;
    let n = tags.n_labelled();
    let used = tags
        .classes()
        .iter()
        .filter(|&&class| tags.count(class) > 0)
        .count();
    if used < 2 {
        return "Label images of at least two classes to train a head.".to_owned();
    }
    if let (None, Some(Err(why))) = (accuracy, &inner.analyses.cross_validation.result) {
        return format!("There are not enough labels yet to measure the accuracy: {why}.");
    }
    if accuracy.is_none() || curve.is_empty() && computing {
        return "The accuracy is being computed.".to_owned();
    }
    if n < FEWEST {
        return format!(
            "There are not enough labels yet to say what more of them would do: label {} more.",
            counted(FEWEST - n, "image")
        );
    }
    let more = more(n).min(inner.n_unlabelled());
    if more == 0 {
        return "All images are labelled.".to_owned();
    }
    let labels = counted(more, "more label");
    let Some(gain) = gain(curve, n, more) else {
        return format!("The learning curve is flat: {labels} are unlikely to raise the accuracy.");
    };
    match (100.0 * gain).round() as usize {
        0 => format!("With {labels}, accuracy is likely to rise by less than 1 point."),
        points => format!(
            "With {labels}, accuracy is likely to rise by about {}.",
            counted(points, "point")
        ),
    }
}

/// Returns how far ahead the curve is extrapolated: half of the labels at most, in round numbers.
fn more(n: usize) -> usize {
    match n {
        0..100 => 25,
        100..400 => 50,
        400..2000 => 200,
        _ => 1000,
    }
}

/// Returns how much `more` labels are expected to add to the accuracy with `n`; `None` if the curve does not
/// rise.
///
/// The error of a classifier falls as a power of the number of labels, over a wide range (Hestness et al.
/// 2017, *Deep Learning Scaling is Predictable, Empirically*; Figueroa et al. 2012, *Predicting sample size
/// required for classification performance*). The power is fitted to the logarithms of both, by least squares
/// over the upper half of the curve, where the range is narrow enough for one power.
pub(super) fn gain(curve: &[LearningPoint], n: usize, more: usize) -> Option<f64> {
    let upper = &curve[curve.len() / 2..];
    // Without errors, there is nothing to gain.
    let points = upper.iter().filter(|point| point.n > 0 && point.mean < 1.0);
    let points: Vec<(f64, f64)> = points
        .map(|point| ((point.n as f64).ln(), (1.0 - point.mean).ln()))
        .collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let joint: f64 = points
        .iter()
        .map(|point| (point.0 - x) * (point.1 - y))
        .sum();
    let slope = joint / spread;
    if !slope.is_finite() || slope >= 0.0 {
        return None;
    }
    let error = |n: usize| (y + slope * ((n as f64).ln() - x)).exp();
    Some(error(n) - error(n + more))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(error: impl Fn(usize) -> f64) -> Vec<LearningPoint> {
        let point = |step: usize| LearningPoint {
            n: 20 * step,
            share: step as f64 / 10.0,
            mean: 1.0 - error(20 * step),
            low: 0.0,
            high: 1.0,
        };
        (1..=10).map(point).collect()
    }

    #[test]
    fn a_power_law_is_continued() {
        // An error of 2 / √n is 0.1414 at 200 labels and 0.1265 at 250.
        let found = gain(&curve(|n| 2.0 / (n as f64).sqrt()), 200, 50).unwrap();
        assert!((found - (2.0 / 200f64.sqrt() - 2.0 / 250f64.sqrt())).abs() < 1e-9);
    }

    #[test]
    fn a_flat_curve_promises_nothing() {
        assert_eq!(gain(&curve(|_| 0.2), 200, 50), None);
        assert_eq!(gain(&curve(|n| n as f64 / 1000.0), 200, 50), None);
        assert_eq!(gain(&curve(|_| 0.0), 200, 50), None);
        assert_eq!(gain(&[], 200, 50), None);
    }
}
