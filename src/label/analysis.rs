//! What is computed about the labels in the background, when it is asked for: predictions of each image by a
//! head that has not seen it, what inspection finds, and a learning curve.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use linfa::ParamGuard;
use ndarray::{Array2, Axis};

use super::analyses::{CrossValidated, Inspected, Outlying, Similar, Subject, SuspectLabel};
use super::grouping::Until;
use super::labeller::{Inner, Labeller};
use super::model::{Training, params};
use super::refusal::with_causes;
use super::tags::Tags;
use super::vectors::Vectors;
use crate::error::Result;
use crate::head::{
    Folds, Groups, Joins, LabelErrors, LabelledFeatures, LearningPoint, learning_curve,
    out_of_fold, softmax,
};
use crate::tasks::{InspectedLabels, inspect_labelled};

/// Folds of the cross-validation.
const FOLDS: usize = 5;
/// The largest gradient entry of the heads, which is exact enough to compare probabilities.
const TOLERANCE: f64 = 1e-4;

/// What an analysis is computed from.
struct Material {
    edition: u64,
    tags: Tags,
    vectors: Arc<Vectors>,
    alike: Arc<Vec<u32>>,
}

impl Labeller {
    /// Computes what is wanted until the session ends.
    pub(super) fn keep_analysed(&self) {
        while let Some((subject, material)) = self.next_wanted() {
            let edition = material.edition;
            match subject {
                Subject::CrossValidation => {
                    let result = said(material.cross_validated(&Until(self)));
                    self.lock().analyses.cross_validation.take(edition, result);
                }
                Subject::Inspection => {
                    let result = said(self.inspected(&material));
                    self.lock().analyses.inspection.take(edition, result);
                }
                Subject::Curve => {
                    let result = said(material.curve(&Until(self)));
                    self.lock().analyses.curve.take(edition, result);
                }
            }
            self.tell(&mut self.lock());
        }
    }

    /// Waits until something is wanted; `None` if the session ends.
    fn next_wanted(&self) -> Option<(Subject, Material)> {
        let mut inner = self.lock();
        loop {
            if self.is_stopping() {
                return None;
            }
            if let Some(wanted) = inner.wanted() {
                return Some(wanted);
            }
            let woken = self.wanted.wait(inner);
            inner = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn inspected(&self, material: &Material) -> Result<Inspected> {
        let (tags, vectors) = (&material.tags, &material.vectors);
        let training = Training::of(tags, vectors);
        let names: Vec<String> = training
            .images(vectors)
            .map(|image| self.name(image))
            .collect();
        let numbers: HashMap<&str, u32> = names
            .iter()
            .map(String::as_str)
            .zip(training.images(vectors))
            .collect();
        let images = training.rows.iter().zip(&training.targets).zip(&names);
        let images = images.map(|((&row, &target), name)| {
            let class = tags.name(training.classes[target]).to_owned();
            (name.clone(), class, vectors.digests[row])
        });
        let features = |chosen: &[usize]| {
            let rows: Vec<usize> = chosen.iter().map(|&image| training.rows[image]).collect();
            vectors.rows().select(Axis(0), &rows)
        };
        if training.len() == 0 {
            return Ok(Inspected::default());
        }
        Ok(Inspected::of(
            &inspect_labelled(images, features)?,
            &numbers,
        ))
    }
}

fn said<T>(result: Result<T>) -> Result<T, String> {
    result.map_err(|error| with_causes(&error))
}

impl Inner {
    fn wanted(&self) -> Option<(Subject, Material)> {
        let analyses = &self.analyses;
        let subject = if analyses.cross_validation.is_wanted {
            Subject::CrossValidation
        } else if analyses.inspection.is_wanted {
            Subject::Inspection
        } else if analyses.curve.is_wanted {
            Subject::Curve
        } else {
            return None;
        };
        let material = Material {
            edition: self.edition,
            tags: self.labelling.history.tags.clone(),
            vectors: Arc::clone(self.vectors.as_ref()?),
            alike: Arc::clone(&self.alike),
        };
        Some((subject, material))
    }
}

impl Material {
    /// Returns the labelled images, with folds that keep near-duplicates together.
    fn folds(&self) -> Result<(Training, Groups, Folds)> {
        let training = Training::of(&self.tags, &self.vectors);
        let digests: Vec<[u8; 32]> = training
            .rows
            .iter()
            .map(|&row| self.vectors.digests[row].0)
            .collect();
        let joins = Joins::new(training.len());
        let mut first: HashMap<u32, usize> = HashMap::new();
        for (place, &row) in training.rows.iter().enumerate() {
            joins.join(*first.entry(self.alike[row]).or_insert(place), place);
        }
        let groups = Groups::joined(&digests, &joins);
        let folds = Folds::new(&training.targets, &groups, FOLDS, 0)?;
        Ok((training, groups, folds))
    }

    fn cross_validated(&self, until: &Until<'_>) -> Result<CrossValidated> {
        let (training, _, folds) = self.folds()?;
        let (features, index) = (training.features(&self.vectors), training.index());
        let set = LabelledFeatures::new(features.view(), &training.targets, &index)?;
        let params = params().tol(TOLERANCE).check()?;
        let p = softmax(out_of_fold(&params, &set, None, &folds, until)?);
        Ok(CrossValidated::of(training, &self.vectors, &p))
    }

    fn curve(&self, until: &Until<'_>) -> Result<Vec<LearningPoint>> {
        let (training, groups, folds) = self.folds()?;
        let (features, index) = (training.features(&self.vectors), training.index());
        let set = LabelledFeatures::new(features.view(), &training.targets, &index)?;
        let params = params().tol(TOLERANCE).check()?;
        learning_curve(&params, &set, None, &groups, &folds, until)
    }
}

impl CrossValidated {
    fn of(training: Training, vectors: &Vectors, p: &Array2<f64>) -> Self {
        let errors = LabelErrors::of(p.view(), &training.targets);
        let mut right = vec![true; training.len()];
        let suspects = errors.suspects.iter().map(|suspect| {
            right[suspect.row] = false;
            SuspectLabel {
                image: vectors.images()[training.rows[suspect.row]],
                given: training.classes[suspect.given],
                suggested: training.classes[suspect.suggested],
                given_probability: suspect.given_probability,
                suggested_probability: suspect.suggested_probability,
            }
        });
        let suspects = suspects.collect();
        Self {
            training,
            right,
            suspects,
        }
    }
}

impl Inspected {
    fn of(found: &InspectedLabels, numbers: &HashMap<&str, u32>) -> Self {
        use crate::tasks::{InspectedImage, Likeness};
        let number = |image: &InspectedImage| numbers[&*image.path];
        let numbers = |images: &[InspectedImage]| images.iter().map(number).collect();
        let cosine = |likeness| match likeness {
            Likeness::Equal => None,
            Likeness::Near { cosine } => Some(cosine),
        };
        let duplicates = found.duplicates.iter().map(|found| Similar {
            cosine: None,
            images: numbers(&found.images),
        });
        let near_duplicates = found.near_duplicates.iter().map(|found| Similar {
            cosine: Some(found.cosine),
            images: numbers(&found.images),
        });
        let contradictions = found.contradictions.iter().map(|found| Similar {
            cosine: cosine(found.likeness),
            images: numbers(&found.images),
        });
        let outliers = found.outliers.iter().map(|found| Outlying {
            image: number(&found.image),
            distance: found.distance,
            limit: found.limit,
            beyond: found.beyond,
        });
        Self {
            duplicates: duplicates.collect(),
            near_duplicates: near_duplicates.collect(),
            contradictions: contradictions.collect(),
            outliers: outliers.collect(),
        }
    }
}
