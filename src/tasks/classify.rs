//! `classify`: images to labels.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use ndarray::ArrayView2;

use super::featured::{Featured, Images, with_features};
use super::inputs::Inputs;
use crate::backbones::{Engine, RunOptions};
use crate::classes::ClassIndex;
use crate::classifier::{Classifier, Prediction, Rejecting, Tta, Verdict};
use crate::error::{Error, Result};
use crate::features::{Named, Speed};
use crate::head::ImageRole;
use crate::images::{Labels, Limits};
use crate::progress::Progress;

/// What to classify, and how.
#[derive(Debug, Clone)]
pub struct ClassifyOptions {
    /// The images.
    pub inputs: Inputs,
    /// The head file; it brings backbone and preprocessing.
    pub head: PathBuf,
    /// The network's file, where it is not installed.
    pub backbone: Option<PathBuf>,
    /// A store to take features from and to add them to.
    pub store: Option<PathBuf>,
    /// Which views of each image.
    pub tta: Tta,
    /// What becomes of images that are like none of the training images.
    pub rejecting: Rejecting,
    /// How large images may be.
    pub limits: Limits,
    /// How the network is run; as many threads are for decoding.
    pub run: RunOptions,
    /// Images that the network is given at once.
    pub batch_size: usize,
}

/// What became of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    /// The path to open, as text.
    pub path: String,
    /// The class of its folder, where folders are classes.
    pub class: Option<String>,
    /// The digest of its bytes with the prediction, or the reason for leaving it out.
    pub result: Result<Prediction, String>,
}

/// What a classification did.
#[derive(Debug, Clone)]
pub struct ClassifyReport {
    /// Images with a label.
    pub used: usize,
    /// Those of them that the head's rejection calls unknown.
    pub rejected: usize,
    /// Those of them that the head was trained on.
    pub trained_on: usize,
    /// Images without one.
    pub skipped: usize,
    /// Files left out since they are no images, by extension.
    pub ignored: std::collections::BTreeMap<String, usize>,
    /// The head's classes.
    pub classes: ClassIndex,
    /// What the user should know.
    pub notes: Vec<String>,
    /// What ran the network.
    pub engine: Engine,
    /// How fast the features were computed.
    pub speed: Speed,
    /// Why `auto` did not take a GPU.
    pub why_not_gpu: Option<String>,
}

/// Classifies images and gives each result to `each`, in input order, as soon as it is known.
///
/// # Errors
/// No images, a head file or backbone that does not fit, a device that does not work, [`Error::Interrupted`], or what `each`
/// returns.
pub fn classify(
    options: &ClassifyOptions,
    labels: Labels,
    progress: &dyn Progress,
    each: Each<'_>,
) -> Result<ClassifyReport> {
    let images = || Ok(Images::Scanned(options.inputs.scan(labels)?));
    classify_images(options, images, progress, each)
}

/// As [`classify`], of the files that another thread names one after the other: results come while names do. `options.inputs`
/// is not looked at.
///
/// # Errors
/// As [`classify`], and names that cannot be read on.
pub fn classify_named(
    options: &ClassifyOptions,
    names: Receiver<io::Result<PathBuf>>,
    progress: &dyn Progress,
    each: Each<'_>,
) -> Result<ClassifyReport> {
    let images = || Ok(Images::Named(Named(names)));
    classify_images(options, images, progress, each)
}

/// Takes each result, with the classifier that it is of.
pub type Each<'a> = &'a mut dyn FnMut(&Classifier, Classified) -> Result<()>;

fn classify_images(
    options: &ClassifyOptions,
    images: impl FnOnce() -> Result<Images>,
    progress: &dyn Progress,
    each: Each<'_>,
) -> Result<ClassifyReport> {
    let classifier = Classifier::open(&options.head, options.tta)?.rejecting(options.rejecting);
    let (mut rejected, mut trained_on, mut unpredicted) = (0, 0, 0);
    let predict = &mut |image: Featured<'_>| {
        let has_features = image.features.is_ok();
        let result = match image.features {
            Ok((digest, features)) => {
                let prediction = predict_one(&classifier, features)?;
                let role = classifier.record().role(&digest.0);
                trained_on += usize::from(prediction.is_ok() && role == ImageRole::Training);
                prediction
            }
            Err(reason) => Err(reason),
        };
        match &result {
            Ok(prediction) => rejected += usize::from(prediction.verdict() != Verdict::Known),
            Err(_) => unpredicted += usize::from(has_features),
        }
        let (path, class) = (image.path, image.class);
        each(
            &classifier,
            Classified {
                path,
                class,
                result,
            },
        )
    };
    let report = with_features(&classifier, options, images()?, progress, predict)?;
    Ok(ClassifyReport {
        used: report.used - unpredicted,
        rejected,
        trained_on,
        skipped: report.skipped + unpredicted,
        ..report
    })
}

/// The prediction of one image, whose features are (V, D), or the reason for leaving it out.
pub(super) fn predict_one(
    classifier: &Classifier,
    features: ArrayView2<'_, f32>,
) -> Result<Result<Prediction, String>> {
    let prediction = classifier.predict(features)?.remove(0);
    Ok(prediction.map_err(|why| why.to_string()))
}

/// Checks `--threshold`.
///
/// # Errors
/// [`Error::Parameter`] outside of 0 to 1.
pub fn check_threshold(threshold: f64) -> Result<()> {
    if (0.0..=1.0).contains(&threshold) {
        return Ok(());
    }
    Err(Error::Parameter {
        name: "--threshold",
        value: threshold.to_string(),
        wanted: "from 0 to 1",
    })
}
