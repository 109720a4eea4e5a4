//! `drift`: tells whether new images are like the training images of a head.

mod report;
mod sides;

use std::path::PathBuf;

use ndarray::Axis;

pub use self::report::{DriftReport, FarImage};
use self::sides::{Side, banked};
use super::predictions::{HeadOptions, open_store};
use super::suggest::Unlabelled;
use crate::classifier::Predictor;
use crate::error::{Result, TaskError, require};
use crate::features::{Computed, Digest, Images, Source};
use crate::head::{
    DistanceShift, Groups, ImageRole, NEAR_DUPLICATE, ShareShift, UnitRows, nearest_others,
    nearest_training, separation,
};
use crate::images::Labels;
use crate::phrases::counted;
use crate::progress::Progress;

/// The most images of either side that a classifier is fitted to; of more, evenly spaced ones are used.
const MOST_SEPARATED: usize = 2000;
/// With fewer images only large differences are significant.
const FEW: usize = 50;
/// How many of the farthest images are listed.
const FARTHEST: usize = 20;

/// The options of [`drift`](crate::tasks::drift()): what to compare, and with what.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DriftOptions {
    /// The new images, or their features.
    pub data: Unlabelled,
    /// The head.
    pub head: HeadOptions,
    /// The store with the training features; `None` for those that the head stores for its rejection.
    pub train: Option<PathBuf>,
    /// The size above which a difference is an alarm, in [0, 1].
    pub alarm_above: f64,
}

impl DriftOptions {
    /// Compares `data` with the training features in the head; differences above 0.2 are an alarm.
    #[must_use]
    pub fn new(data: Unlabelled, head: HeadOptions) -> Self {
        Self {
            data,
            head,
            train: None,
            alarm_above: 0.2,
        }
    }
}

/// Compares new images with the training images of a head.
///
/// The features of all images' centre views are held in memory. Images that the head was trained on are left
/// out, and of near-duplicates one counts.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if `alarm_above` is out of range;
/// [`TaskError::NoTrainingFeatures`]; no new image; a head, store or backbone that does not fit.
pub fn drift(options: &DriftOptions, progress: &dyn Progress) -> Result<DriftReport> {
    let in_range = (0.0..=1.0).contains(&options.alarm_above);
    require(in_range, "alarm_above", &options.alarm_above, "from 0 to 1")?;
    let classifier = options.head.open()?;
    let (training, mut notes) = match &options.train {
        Some(store) => {
            let (store, notes) = open_store(store, &[&classifier])?;
            store.require_samples()?;
            (Side::of(store.into(), &classifier, progress)?, notes)
        }
        None => (
            banked(&classifier).ok_or(TaskError::NoTrainingFeatures)?,
            Vec::new(),
        ),
    };
    let (mut new, on_new) = new_images(options, &classifier, progress)?;
    notes.extend(on_new);
    let is_new = |digest: &Digest| classifier.record().role(&digest.0) != ImageRole::Training;
    let trained_on = new.keep(is_new);
    if options.train.is_none() {
        new.round_to_16_bits();
    }
    if new.digests.is_empty() {
        return Err(TaskError::NothingNew { trained_on }.into());
    }
    notes.append(&mut new.notes);
    if trained_on > 0 {
        let images = counted(trained_on, "image");
        notes.push(format!("left out {images} that the head was trained on"));
    }
    let mut report = compare(new, &training, &classifier, progress)?;
    (report.trained_on, report.alarm_above) = (trained_on, options.alarm_above);
    report.notes.splice(..0, notes);
    report.judge();
    Ok(report)
}

fn new_images(
    options: &DriftOptions,
    classifier: &Predictor,
    progress: &dyn Progress,
) -> Result<(Side, Vec<String>)> {
    match &options.data {
        Unlabelled::Store(path) => {
            let (store, notes) = open_store(path, &[classifier])?;
            store.require_samples()?;
            Ok((Side::of(store.into(), classifier, progress)?, notes))
        }
        Unlabelled::Images(inputs) => {
            let scan = inputs.scan(Labels::None, progress)?;
            let (images, how) = (Images::of(&scan.entries), &options.head.computing);
            let source = Source::from(Computed::of(images, classifier.spec(), how)?);
            Ok((Side::of(source, classifier, progress)?, scan.notes))
        }
    }
}

/// Runs all tests. The result is not judged yet.
fn compare(
    new: Side,
    training: &Side,
    classifier: &Predictor,
    progress: &dyn Progress,
) -> Result<DriftReport> {
    let [new_groups, training_groups] = [&new, training].map(|side| groups(side, progress));
    let (new_groups, training_groups) = (new_groups?.firsts(), training_groups?);
    let [new_rows, training_rows] = [&new, training].map(|side| UnitRows::of(side.centres.view()));
    let distances = nearest_training(&new_rows, &training_rows)?;
    let of_groups: Vec<f64> = new_groups.iter().map(|&row| distances[row]).collect();
    let between = nearest_others(&training_rows, &training_groups);
    if between.is_empty() {
        return Err(TaskError::NothingToCompare.into());
    }
    let (some, some_classes) = picked(&new, &new_rows, &new_groups);
    let (others, other_classes) = picked(training, &training_rows, &training_groups.firsts());
    let classes = [&some_classes[..], &other_classes];
    let mut notes = Vec::new();
    if new_groups.len() < FEW {
        let images = counted(new_groups.len(), "different image");
        notes.push(format!("with {images} only large differences can be found"));
    }
    let shares = shares(&new, &new_groups, classifier);
    if shares.is_none() {
        notes.push(
            "class shares were not compared: the head has no out-of-fold predictions (`calibrate`)"
                .to_owned(),
        );
    }
    Ok(DriftReport {
        drift: 0.0,
        alarm_above: 0.0,
        alarm: false,
        summary: String::new(),
        n_images: new.digests.len(),
        n_groups: new_groups.len(),
        n_training: training.digests.len(),
        trained_on: 0,
        distance: DistanceShift::of(&of_groups, &between),
        separation: separation([&some, &others], classes, progress)?,
        classes: shares,
        farthest: farthest(&new, &distances, classifier),
        skipped: new.skipped,
        notes,
    })
}

fn groups(side: &Side, progress: &dyn Progress) -> Result<Groups> {
    let digests: Vec<[u8; 32]> = side.digests.iter().map(|digest| digest.0).collect();
    Groups::of_near(&digests, side.centres.view(), NEAR_DUPLICATE, progress)
}

fn shares(new: &Side, groups: &[usize], classifier: &Predictor) -> Option<ShareShift> {
    let training = classifier.out_of_fold_counts()?;
    let mut counts = vec![0; training.len()];
    for &row in groups {
        counts[new.predicted[row]] += 1;
    }
    Some(ShareShift::of(
        classifier.classes().iter(),
        &counts,
        &training,
    ))
}

fn farthest(new: &Side, distances: &[f64], classifier: &Predictor) -> Vec<FarImage> {
    let mut order: Vec<usize> = (0..distances.len()).collect();
    order.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]));
    let far = |row: usize| FarImage {
        path: new.paths[row].clone(),
        distance: distances[row],
        predicted: classifier
            .classes()
            .name(new.predicted[row])
            .unwrap_or_default()
            .to_owned(),
    };
    order.into_iter().take(FARTHEST).map(far).collect()
}

/// Returns at most [`MOST_SEPARATED`] of some rows, evenly spaced, and their predicted classes.
fn picked(side: &Side, rows: &UnitRows, of: &[usize]) -> (UnitRows, Vec<usize>) {
    let n = of.len().min(MOST_SEPARATED);
    let picked: Vec<usize> = (0..n).map(|i| of[i * of.len() / n]).collect();
    let classes = picked.iter().map(|&row| side.predicted[row]).collect();
    (
        UnitRows::of(rows.rows().select(Axis(0), &picked).view()),
        classes,
    )
}
