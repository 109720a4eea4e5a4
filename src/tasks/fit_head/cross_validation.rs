//! Cross-validation before the fit: the folds, the search for the best parameters, the learning curve.

use std::cell::OnceCell;

use ndarray::{Array2, s};

use super::options::CrossValidation;
use crate::error::Result;
use crate::features::Digest;
use crate::head::{
    FitValidParams, Folds, Groups, LabelledFeatures, LearningPoint, Search, Tunable,
    learning_curve, out_of_fold, search,
};
use crate::progress::Progress;

/// The training images. Their groups and out-of-fold logits are computed at first use.
pub(super) struct Images<'a, 'f> {
    pub(super) set: &'a LabelledFeatures<'f>,
    /// The set that early stopping (`patience`) watches.
    pub(super) validation: Option<&'a LabelledFeatures<'f>>,
    near: f32,
    pub(super) digests: &'a [Digest],
    groups: OnceCell<Groups>,
    left_out: OnceCell<LeftOut>,
}

/// Predictions of heads for the images that they were trained without.
pub(super) struct LeftOut {
    pub(super) folds: Folds,
    /// (N · V, C)
    pub(super) logits: Array2<f64>,
}

impl<'a, 'f> Images<'a, 'f> {
    /// Creates it from images and their digests in the same order. `near` is the cosine similarity from which
    /// two images are near-duplicates.
    pub(super) fn new(
        set: &'a LabelledFeatures<'f>,
        validation: Option<&'a LabelledFeatures<'f>>,
        digests: &'a [Digest],
        near: f32,
    ) -> Self {
        Self {
            set,
            validation,
            near,
            digests,
            groups: OnceCell::new(),
            left_out: OnceCell::new(),
        }
    }

    /// Returns the groups of duplicates and near-duplicates, by the centre view of each image.
    pub(super) fn groups(&self, progress: &dyn Progress) -> Result<&Groups> {
        if let Some(known) = self.groups.get() {
            return Ok(known);
        }
        let centres = self.set.features().slice_move(s![..; self.set.views(), ..]);
        let digests: Vec<[u8; 32]> = self.digests.iter().map(|digest| digest.0).collect();
        let groups = Groups::of_near(&digests, centres, self.near, progress)?;
        Ok(self.groups.get_or_init(|| groups))
    }

    /// Returns the recall of the search for near-duplicates; `None` if there was none, or it was exact.
    pub(super) fn recall(&self) -> Option<f64> {
        self.groups.get()?.recall()
    }

    /// Divides the images into folds; groups stay together.
    pub(super) fn folds(
        &self,
        asked: CrossValidation,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Folds> {
        let groups = self.groups(progress)?;
        Folds::new(self.set.targets(), groups, asked.folds, seed)
    }

    /// Returns the out-of-fold logits of heads fitted with `params`, the parameters of the final fit. They
    /// are computed at first use.
    pub(super) fn out_of_fold(
        &self,
        asked: CrossValidation,
        params: &FitValidParams,
        progress: &dyn Progress,
    ) -> Result<&LeftOut> {
        if let Some(known) = self.left_out.get() {
            return Ok(known);
        }
        let folds = self.folds(asked, params.values().seed, progress)?;
        let logits = out_of_fold(params, self.set, self.validation, &folds, progress)?;
        Ok(self.left_out.get_or_init(|| LeftOut { folds, logits }))
    }

    /// Searches for the best parameters around `params`; those in `fixed` are not varied.
    pub(super) fn search(
        &self,
        asked: CrossValidation,
        params: &FitValidParams,
        fixed: &[Tunable],
        progress: &dyn Progress,
    ) -> Result<Search> {
        let folds = self.folds(asked, params.values().seed, progress)?;
        search(params, fixed, self.set, &folds, progress)
    }

    /// Computes accuracies with growing parts of the images.
    pub(super) fn learning_curve(
        &self,
        asked: CrossValidation,
        params: &FitValidParams,
        progress: &dyn Progress,
    ) -> Result<Vec<LearningPoint>> {
        let folds = self.folds(asked, params.values().seed, progress)?;
        learning_curve(
            params,
            self.set,
            self.validation,
            self.groups(progress)?,
            &folds,
            progress,
        )
    }
}
