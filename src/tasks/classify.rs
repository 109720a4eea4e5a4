//! `classify`: assigns labels to images.

mod seen;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

pub use self::seen::SeenImages;
use super::inputs::Inputs;
use super::predictions::{HeadOptions, Predicted, predict};
use crate::backbones::Engine;
use crate::classes::ClassIndex;
use crate::classifier::{Prediction, Predictor, Verdict};
use crate::error::{Result, require};
use crate::features::{Computed, Images, Source, Speed};
use crate::head::ImageRole;
use crate::images::{Labels, PIXEL_VERSION};
use crate::progress::Progress;

/// The options of [`classify`](crate::tasks::classify()): what to classify, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClassifyOptions {
    /// The images.
    pub inputs: Inputs,
    /// The head.
    pub head: HeadOptions,
}

impl ClassifyOptions {
    /// Classifies `inputs` with `head`.
    #[must_use]
    pub fn new(inputs: Inputs, head: HeadOptions) -> Self {
        Self { inputs, head }
    }
}

/// The result for one image.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Classified {
    /// The path to open, as text.
    pub path: String,
    /// The class that its folder names, if folders are classes.
    pub class: Option<String>,
    /// The prediction, or the reason why the image was skipped.
    pub result: Result<Prediction, String>,
}

/// The counts of a classification, and the engine that it ran on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClassifyReport {
    /// Images with a prediction.
    pub used: usize,
    /// Images among `used` that the head rejected as `unknown`.
    pub rejected: usize,
    /// Images among `used` that the head was trained on.
    pub trained_on: usize,
    /// Images without a prediction.
    pub skipped: usize,
    /// Images that were left out because an earlier run has reported them.
    pub seen_before: usize,
    /// Files that were ignored because they are not images, by extension.
    pub ignored: BTreeMap<String, usize>,
    /// The head's classes.
    pub classes: ClassIndex,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The engine that ran the network.
    pub engine: Engine,
    /// How fast the features were computed.
    pub speed: Speed,
    /// Why `auto` did not choose a GPU.
    pub why_not_gpu: Option<String>,
}

/// Classifies images and passes each result to `each`, in input order, as soon as it is computed.
///
/// # Errors
/// No images, a head file or backbone that does not fit, a device that does not work,
/// [`Error::Interrupted`](crate::Error::Interrupted), or an error from `each`.
pub fn classify(
    options: &ClassifyOptions,
    labels: Labels,
    progress: &dyn Progress,
    each: Each<'_>,
) -> Result<ClassifyReport> {
    classify_unseen(options, None, labels, progress, each)
}

/// Like [`classify`], but leaves out the images that an earlier run with the same `seen` has reported, and
/// adds those of this run to it. They are the same if their bytes are. The caller saves it once the results
/// are kept.
///
/// # Errors
/// Those of [`classify`].
pub fn classify_unseen(
    options: &ClassifyOptions,
    seen: Option<&mut SeenImages>,
    labels: Labels,
    progress: &dyn Progress,
    each: Each<'_>,
) -> Result<ClassifyReport> {
    let classifier = options.head.open()?;
    let mut scan = options.inputs.scan(labels, progress)?;
    let how = &options.head.computing;
    let decoding = classifier.spec().decoding.within(how.limits);
    let leave_out = |seen: &&mut SeenImages| {
        seen.leave_out(&mut scan.entries, &decoding, how.run.threads, progress)
    };
    let before = seen.as_ref().map_or(0, leave_out);
    let images = Images::of(&scan.entries);
    let mut report = classify_images(&classifier, options, (images, seen), progress, each)?;
    report.seen_before += before;
    report.notes.splice(..0, scan.notes);
    report.ignored = scan.ignored;
    Ok(report)
}

/// Like [`classify_unseen`], but takes file names from another thread and returns results while names still
/// arrive. `options.inputs` is not used.
///
/// # Errors
/// Those of [`classify`], and an error while reading the names.
pub fn classify_named(
    options: &ClassifyOptions,
    names: Receiver<io::Result<PathBuf>>,
    seen: Option<&mut SeenImages>,
    progress: &dyn Progress,
    each: Each<'_>,
) -> Result<ClassifyReport> {
    let classifier = options.head.open()?;
    let images = (Images::Named(names), seen);
    classify_images(&classifier, options, images, progress, each)
}

/// Receives the result for each image, with the predictor that made it.
pub type Each<'a> = &'a mut dyn FnMut(&Predictor, Classified) -> Result<()>;

fn classify_images(
    classifier: &Predictor,
    options: &ClassifyOptions,
    (images, mut seen): (Images<'_>, Option<&mut SeenImages>),
    progress: &dyn Progress,
    each: Each<'_>,
) -> Result<ClassifyReport> {
    let spec = classifier.spec();
    let source = Source::from(Computed::of(images, spec, &options.head.computing)?);
    let mut report = ClassifyReport {
        used: 0,
        rejected: 0,
        trained_on: 0,
        skipped: 0,
        seen_before: 0,
        ignored: BTreeMap::new(),
        classes: classifier.classes().clone(),
        notes: Vec::new(),
        engine: source.engine().expect("a network was loaded").clone(),
        speed: Speed::default(),
        why_not_gpu: None,
    };
    let done = source.each(&spec.views, progress, &mut |samples| {
        for (row, predicted) in predict(classifier, samples)? {
            let digest = predicted.as_ref().ok().map(|(digest, _)| *digest);
            if let (Some(seen), Some(digest)) = (&mut seen, digest) {
                if seen.contains(&digest) {
                    report.seen_before += 1;
                    continue;
                }
                seen.add(digest);
            }
            report.count(classifier, &predicted);
            let item = Classified {
                path: row.path.clone(),
                class: row.class.clone(),
                result: predicted.map(|(_, prediction)| prediction),
            };
            each(classifier, item)?;
        }
        Ok(())
    })?;
    report.notes = [done.store_notes, done.network_notes].concat();
    report.notes.extend(classifier.pixel_note(PIXEL_VERSION));
    (report.speed, report.why_not_gpu) = (done.speed, done.why_not_gpu);
    Ok(report)
}

impl ClassifyReport {
    fn count(&mut self, classifier: &Predictor, predicted: &Predicted) {
        let Ok((digest, prediction)) = predicted else {
            self.skipped += 1;
            return;
        };
        let role = classifier.record().role(&digest.0);
        self.used += 1;
        self.rejected += usize::from(prediction.verdict() != Verdict::Known);
        self.trained_on += usize::from(role == ImageRole::Training);
    }
}

/// Checks the minimum probability of a label.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if it is outside [0, 1].
pub fn check_threshold(threshold: f64) -> Result<()> {
    let in_range = (0.0..=1.0).contains(&threshold);
    require(in_range, "threshold", &threshold, "from 0 to 1")
}
