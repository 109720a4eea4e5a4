//! What `drift` found, with a sentence for people.

use serde::Serialize;

use crate::head::{DRIFT_LEVEL, DistanceShift, Separation, ShareShift};
use crate::phrases::counted;
use crate::tasks::inputs::Skipped;

/// Whether new images are like the training images, and how that was tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DriftReport {
    /// The larger significant size of `distance` and `separation`, in [0, 1]; 0 if neither is significant.
    pub drift: f64,
    /// The size above which drift is an alarm.
    pub alarm_above: f64,
    /// Whether `drift` is above `alarm_above`.
    pub alarm: bool,
    /// The result in a sentence or two.
    pub summary: String,
    /// The number of new images.
    pub n_images: usize,
    /// The number of groups of near-duplicates among them, each of which counts once.
    pub n_groups: usize,
    /// The number of training images that they were compared with.
    pub n_training: usize,
    /// Images that were left out because the head was trained on them.
    pub trained_on: usize,
    /// The distances to the nearest training image.
    pub distance: DistanceShift,
    /// Whether a classifier tells new images from training images; `None` for fewer than 10 on either side.
    pub separation: Option<Separation>,
    /// The shares of the predicted classes; `None` if the head has no out-of-fold predictions.
    pub classes: Option<ShareShift>,
    /// The images that are farthest from the training images, farthest first.
    pub farthest: Vec<FarImage>,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// An image, and how far it is from the training images.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FarImage {
    /// Its path as text: the path to open for images, the path in the index for a store.
    pub path: String,
    /// 1 minus the cosine similarity to the nearest training image.
    pub distance: f64,
    /// The class that the head predicts.
    pub predicted: String,
}

impl DriftReport {
    /// Decides whether the differences that were found are an alarm.
    pub(super) fn judge(&mut self) {
        let distance = significant(self.distance.size, self.distance.p_value);
        let separation = self.separation.as_ref();
        let separation = separation.map_or(0.0, |found| significant(found.size, found.p_value));
        self.drift = distance.max(separation);
        self.alarm = self.drift > self.alarm_above;
        self.summary = self.summary(distance);
    }

    fn summary(&self, distance: f64) -> String {
        let images = counted(self.n_images, "new image");
        let [is, differs] = match self.n_images {
            1 => ["is", "differs"],
            _ => ["are", "differ"],
        };
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let shares = match &self.classes {
            Some(shift) if significant(shift.size, shift.p_value) > self.alarm_above => format!(
                " The predicted classes have other shares than in training: {} of the images would have to \
                 be of another class.",
                percent(shift.size)
            ),
            _ => String::new(),
        };
        if !self.alarm {
            return format!("No drift: the {images} {is} like the training images.{shares}");
        }
        let why = if distance > self.alarm_above {
            format!(
                "at least about {} of them are farther from their nearest training image than training \
                 images usually are",
                percent(distance)
            )
        } else {
            let auc = self
                .separation
                .as_ref()
                .map_or(0.5, |separation| separation.auc);
            format!("a linear classifier tells them apart (area under the ROC curve {auc:.2})")
        };
        format!("Drift: the {images} {differs} from the training images; {why}.{shares}")
    }
}

/// Returns the size of a difference, or 0 if it is not significant.
fn significant(size: f64, p_value: f64) -> f64 {
    if p_value < DRIFT_LEVEL { size } else { 0.0 }
}
