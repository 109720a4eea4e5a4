//! The images that are chosen from, with the features of all of them.

use std::collections::HashSet;
use std::mem::take;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Axis};

use super::SuggestOptions;
use crate::backbones::Frozen;
use crate::classifier::{Classifier, Prediction};
use crate::error::{Error, Result};
use crate::features::{All, Digest, FeatureStore, Item, Outcome, Pipeline, Sink};
use crate::head::ImageRole;
use crate::images::Labels;
use crate::images::path_text::to_text;
use crate::progress::Progress;
use crate::tasks::inputs::{Inputs, Skipped};

/// N images.
pub(super) struct Candidates {
    /// (N).
    pub(super) paths: Vec<String>,
    /// The head's views of each, (N · V, D).
    pub(super) features: Array2<f32>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) notes: Vec<String>,
    /// Images that have a label already: the head was trained on them, or validated.
    pub(super) labelled: usize,
}

impl Candidates {
    pub(super) fn of_store(path: &Path, classifier: &Classifier) -> Result<Self> {
        let store = FeatureStore::open(path)?;
        let name = format!("the features `{}`", path.display());
        let note = classifier.require(&store.manifest().spec, &name)?;
        let mut labelled = 0;
        let used = store.index().used().filter(|(_, digest)| {
            let known = is_labelled(classifier, *digest);
            labelled += usize::from(known);
            !known
        });
        let used = used.map(|(row, digest)| (row.path.clone(), digest));
        let (paths, digests): (Vec<String>, Vec<Digest>) = used.unzip();
        let features = store.views(&digests, &classifier.spec().views)?;
        Self {
            paths,
            features,
            skipped: Vec::new(),
            notes: note.into_iter().collect(),
            labelled,
        }
        .not_empty(&name)
    }

    pub(super) fn of_images(
        inputs: &Inputs,
        classifier: &Classifier,
        options: &SuggestOptions,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let scan = inputs.scan(Labels::None)?;
        let spec = classifier.spec();
        let mut frozen = Frozen::for_spec(spec, options.backbone.as_deref(), &options.run)?;
        let (batch, threads) = (options.batch_size, options.run.threads);
        let pipeline = Pipeline::of(spec, options.limits, batch, threads);
        let mut all = Collected {
            paths: Vec::new(),
            features: Vec::new(),
            skipped: Vec::new(),
            labelled: 0,
            classifier,
        };
        let images = All::of(&scan.entries);
        pipeline.run(images, &mut frozen.backbone, &mut all, progress)?;
        let mut notes = frozen.notes();
        notes.extend(scan.notes);
        let shape = (
            all.paths.len() * spec.views.len(),
            spec.backbone.num_features,
        );
        let features = Array2::from_shape_vec(shape, all.features);
        let candidates = Self {
            paths: all.paths,
            features: features.expect("the pipeline gives each view as many numbers"),
            skipped: all.skipped,
            notes,
            labelled: all.labelled,
        };
        // A list may be empty.
        if scan.entries.is_empty() {
            return Ok(candidates);
        }
        candidates.not_empty("the input")
    }

    /// The prediction of each image; those that have none are skipped from here on.
    pub(super) fn predicted_by(&mut self, classifier: &Classifier) -> Result<Vec<Prediction>> {
        let all = classifier.predict(self.features.view())?;
        let views = classifier.spec().views.len().max(1);
        let used = |i: usize| all.get(i / views).is_some_and(Result::is_ok);
        if !all.iter().all(Result::is_ok) {
            let rows: Vec<usize> = (0..self.features.nrows()).filter(|&i| used(i)).collect();
            self.features = self.features.select(Axis(0), &rows);
        }
        let mut predictions = Vec::new();
        for (path, prediction) in take(&mut self.paths).into_iter().zip(all) {
            match prediction {
                Ok(prediction) => {
                    predictions.push(prediction);
                    self.paths.push(path);
                }
                Err(why) => self.skipped.push(Skipped {
                    path,
                    reason: why.to_string(),
                }),
            }
        }
        if self.paths.is_empty() && !self.skipped.is_empty() {
            return Err(self.none_usable("the input"));
        }
        Ok(predictions)
    }

    fn not_empty(self, name: &str) -> Result<Self> {
        if self.paths.is_empty() {
            return Err(self.none_usable(name));
        }
        Ok(self)
    }

    fn none_usable(&self, name: &str) -> Error {
        if self.labelled > 0 {
            return Error::Input {
                problem: format!(
                    "the head was trained on all {} usable images of {name}, or they were held out for validation",
                    self.labelled
                ),
                hint: "give images that have no label yet".to_owned(),
            };
        }
        let reasons = self.skipped.first().map_or(String::new(), |first| {
            format!(", as `{}`: {}", first.path, first.reason)
        });
        Error::Input {
            problem: format!("{name} holds no usable image{reasons}"),
            hint: "give a folder of images, or a store of their features".to_owned(),
        }
    }
}

/// Whether the head knows the label of an image.
fn is_labelled(classifier: &Classifier, digest: Digest) -> bool {
    classifier.record().role(&digest.0) != ImageRole::New
}

/// Keeps all that comes out of the pipeline.
struct Collected<'a> {
    paths: Vec<String>,
    features: Vec<f32>,
    skipped: Vec<Skipped>,
    labelled: usize,
    classifier: &'a Classifier,
}

impl Sink for Collected<'_> {
    fn known(&self) -> Option<Arc<HashSet<Digest>>> {
        None
    }

    fn take(&mut self, item: Item) -> Result<()> {
        let path = to_text(&item.found.sample().path);
        match item.outcome {
            Outcome::Skipped(reason) => self.skipped.push(Skipped {
                path,
                reason: reason.to_string(),
            }),
            Outcome::Computed(picture, _) if is_labelled(self.classifier, picture.digest) => {
                self.labelled += 1;
            }
            Outcome::Computed(_, features) => {
                self.paths.push(path);
                self.features.extend(features);
            }
            Outcome::Reused(_) => {
                unreachable!("a sink that knows no digest is given every image's features")
            }
        }
        Ok(())
    }
}
