//! Tries the head on another picture.

use std::sync::{Arc, PoisonError};

use ndarray::{ArrayView1, ArrayView2};
use serde::Serialize;

use super::check::Near;
use super::labeller::Labeller;
use super::model::{Model, Training};
use super::refusal::Refusal;
use super::tags::{Mark, Tags};
use super::vectors::Vectors;
use crate::error::Result as Done;
use crate::features::{Computing, Extractor};
use crate::head::{Groups, LabelledFeatures, Rejection};
use crate::images::{Image, View, dimensions};

/// The classes and neighbours that are shown.
const SHOWN: usize = 10;
const NEIGHBOURS: usize = 8;
/// The share of images of the known classes that may be taken for unknown.
const RATE: f64 = 0.05;

/// What the head says of a picture.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    label: String,
    probabilities: Vec<Probability>,
    unknown: Option<Unknown>,
    neighbours: Vec<Near>,
    width: u32,
    height: u32,
}

#[derive(Debug, Serialize)]
struct Probability {
    class: String,
    probability: f64,
}

/// Why a picture is of none of the classes.
#[derive(Debug, Serialize)]
struct Unknown {
    reason: String,
}

/// What a picture is compared with.
struct Known {
    edition: u64,
    tags: Tags,
    vectors: Arc<Vectors>,
    model: Arc<Model>,
}

impl Labeller {
    /// Tries the head on the bytes of a picture.
    ///
    /// # Errors
    /// If there is no head yet, or the picture cannot be used.
    pub(super) fn try_picture(&self, bytes: &[u8]) -> Result<Tried, Refusal> {
        let known = self.known()?;
        let decoding = &self.options.extract.decoding;
        let unusable = |reason: crate::SkipReason| {
            Refusal::Bad(format!("the picture cannot be used: {reason}"))
        };
        let (width, height) = dimensions(bytes, decoding).map_err(unusable)?;
        let network = self.network(&known.vectors)?;
        let features = network.features([Image::from(bytes)])?.pop();
        let features = features
            .unwrap_or_else(|| Ok(Vec::new()))
            .map_err(unusable)?;
        let features =
            ArrayView1::from(&features[..known.vectors.rows().ncols().min(features.len())]);
        let row = features.insert_axis(ndarray::Axis(0));
        let probabilities = known.probabilities(row)?;
        let unknown = self
            .rejection(&known)
            .and_then(|rejection| unknown(&rejection, row));
        let is_labelled = |row: usize| {
            matches!(
                known.tags.get(known.vectors.images()[row]).mark,
                Mark::Class(_)
            )
        };
        let near = known.vectors.nearest(features, NEIGHBOURS, is_labelled);
        let inner = self.lock();
        let near = near.iter().map(|near| Near {
            item: self.item(&inner, known.vectors.images()[near.row]),
            cosine: near.cosine,
        });
        Ok(Tried {
            label: probabilities
                .first()
                .map_or_else(String::new, |first| first.class.clone()),
            probabilities,
            unknown,
            neighbours: near.collect(),
            width,
            height,
        })
    }

    /// Returns the most bytes of a picture.
    pub(super) fn largest_picture(&self) -> usize {
        const MOST: u64 = 256 << 20;
        self.options.extract.decoding.limits.max_bytes.min(MOST) as usize
    }

    fn known(&self) -> Result<Known, Refusal> {
        let inner = self.lock_ranked();
        let not_ready = |said: &str| Refusal::NotReady(said.to_owned());
        let vectors = inner.vectors.as_ref();
        let vectors = vectors.ok_or_else(|| not_ready("the features are still being computed"))?;
        let model = inner.model.as_ref();
        let model = model.ok_or_else(|| not_ready("label images of at least two classes first"))?;
        Ok(Known {
            edition: inner.edition,
            tags: inner.labelling.history.tags.clone(),
            vectors: Arc::clone(vectors),
            model: Arc::clone(model),
        })
    }

    /// Returns the network of the features, which stays open.
    fn network(&self, vectors: &Vectors) -> Done<Arc<Extractor>> {
        let mut network = self
            .trial
            .network
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = &*network {
            return Ok(Arc::clone(network));
        }
        let spec = vectors.spec.with_views(&[View::Center]);
        let mut how = Computing::new(self.options.extract.run.clone());
        how.limits = self.options.extract.decoding.limits;
        let opened = Arc::new(Extractor::computing(&spec, &how)?);
        *network = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Returns the rejection of pictures unlike the labelled ones; `None` if there are too few of these.
    fn rejection(&self, known: &Known) -> Option<Arc<Rejection>> {
        let mut kept = self
            .trial
            .rejection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((edition, rejection)) = &*kept
            && *edition == known.edition
        {
            return rejection.clone();
        }
        let rejection = known.rejection().map(Arc::new);
        *kept = Some((known.edition, rejection.clone()));
        rejection
    }
}

impl Known {
    /// Returns the most probable classes.
    fn probabilities(&self, row: ArrayView2<'_, f32>) -> Done<Vec<Probability>> {
        let p = self.model.head.predict_proba(row)?;
        let classes = self.model.classes.iter().zip(p.row(0));
        let mut classes: Vec<Probability> = classes
            .map(|(&class, &probability)| Probability {
                class: self.tags.name(class).to_owned(),
                probability,
            })
            .collect();
        classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        classes.truncate(SHOWN);
        Ok(classes)
    }

    fn rejection(&self) -> Option<Rejection> {
        let training = Training::of(&self.tags, &self.vectors);
        let (features, index) = (training.features(&self.vectors), training.index());
        let set = LabelledFeatures::new(features.view(), &training.targets, &index).ok()?;
        let digests: Vec<[u8; 32]> = training
            .rows
            .iter()
            .map(|&row| self.vectors.digests[row].0)
            .collect();
        let fit = Rejection::fit(&set, &Groups::of_equal(&digests), RATE, 0).ok()?;
        Some(fit.rejection)
    }
}

fn unknown(rejection: &Rejection, row: ArrayView2<'_, f32>) -> Option<Unknown> {
    let likeness = *rejection.likeness(row).ok()?.first()?;
    rejection.rejects(&likeness).then(|| Unknown {
        reason: format!(
            "it is unlike all labelled images: the similarity to the nearest one is {:.2}, and 95 % of the \
             labelled images have one that is nearer than {:.2}",
            likeness.score,
            rejection.rule().threshold
        ),
    })
}
