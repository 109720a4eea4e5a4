//! The record of a head's images: training images, held-out images, and out-of-fold logits.

use ndarray::{Array2, ArrayView2, s};

use super::image_set::ImageSet;
use crate::head::crossval::Folds;

/// The most bytes of out-of-fold predictions that a head stores: those of 16,000 images and 1000 classes.
pub(crate) const OUT_OF_FOLD_BYTES: usize = 64 << 20;

/// The role of an image in the training of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageRole {
    /// The image is neither of these, or the head does not record its images.
    New,
    /// The image was held out for validation.
    HeldOut,
    /// The head was trained on it.
    Training,
}

/// The images that a head was trained on. The default records none: the head's images are not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrainingRecord {
    pub(super) training: ImageSet,
    pub(super) held_out: ImageSet,
    pub(super) out_of_fold: Option<OutOfFold>,
}

/// The logits of every training image from a head that was trained without it and its near-duplicates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OutOfFold {
    /// V, at least 1.
    pub(super) views: usize,
    /// (N · V, C), the images in the order of the training set.
    pub(super) logits: Array2<f32>,
    /// The fold of each image, (N).
    pub(super) folds: Vec<usize>,
}

impl TrainingRecord {
    /// Creates the record of a head that was trained on the images with the digests `training`, while those
    /// with the digests `held_out` were held out.
    #[must_use]
    pub fn new(training: &[[u8; 32]], held_out: &[[u8; 32]]) -> Self {
        Self {
            training: ImageSet::of(training),
            held_out: ImageSet::of(held_out),
            out_of_fold: None,
        }
    }

    /// Adds the logits (N · V, C) that [`out_of_fold`](crate::head::out_of_fold) returned for the training
    /// images with these `digests`, (N). Of duplicates, only the first is used: they have equal features and
    /// folds.
    ///
    /// # Panics
    /// When `digests`, `folds` and `logits` are not of the same images, or not of the record's training
    /// images.
    #[must_use]
    pub fn with_out_of_fold(
        mut self,
        digests: &[[u8; 32]],
        folds: &Folds,
        logits: ArrayView2<'_, f64>,
    ) -> Self {
        assert_eq!(digests.len(), folds.of_row().len(), "one fold per image");
        let views = logits.nrows() / digests.len().max(1);
        let mut image_at = vec![0; self.training.len()];
        for (image, digest) in digests.iter().enumerate().rev() {
            let place = self.training.position(digest);
            image_at[place.expect("the record is of these images")] = image;
        }
        let rows: Vec<usize> = image_at
            .iter()
            .flat_map(|image| image * views..(image + 1) * views)
            .collect();
        self.out_of_fold = Some(OutOfFold {
            views,
            logits: logits
                .select(ndarray::Axis(0), &rows)
                .mapv(|logit| logit as f32),
            folds: image_at
                .iter()
                .map(|&image| folds.of_row()[image])
                .collect(),
        });
        self
    }

    /// Returns whether the head records its training images; older files do not.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.training.is_empty()
    }

    /// Returns the role of the image with this digest in the training of the head.
    #[must_use]
    pub fn role(&self, digest: &[u8; 32]) -> ImageRole {
        if self.training.contains(digest) {
            ImageRole::Training
        } else if self.held_out.contains(digest) {
            ImageRole::HeldOut
        } else {
            ImageRole::New
        }
    }

    /// Returns the out-of-fold logits of a training image, (V, C), if the head stores them.
    #[must_use]
    pub fn out_of_fold(&self, digest: &[u8; 32]) -> Option<ArrayView2<'_, f32>> {
        let kept = self.out_of_fold.as_ref()?;
        let image = self.training.position(digest)?;
        let rows = image * kept.views..(image + 1) * kept.views;
        Some(kept.logits.slice(s![rows, ..]))
    }

    /// Returns V and the out-of-fold logits of all training images, (N · V, C), if the head stores them.
    pub(crate) fn all_out_of_fold(&self) -> Option<(usize, ArrayView2<'_, f32>)> {
        let kept = self.out_of_fold.as_ref()?;
        Some((kept.views, kept.logits.view()))
    }

    /// Returns the number of folds of the out-of-fold predictions, if the head stores them.
    #[must_use]
    pub fn folds(&self) -> Option<usize> {
        let kept = self.out_of_fold.as_ref()?;
        kept.folds.iter().max().map(|last| last + 1)
    }

    /// Returns the images that the head was trained on.
    #[must_use]
    pub fn training(&self) -> &ImageSet {
        &self.training
    }

    /// Returns the images that were held out.
    #[must_use]
    pub fn held_out(&self) -> &ImageSet {
        &self.held_out
    }
}

impl OutOfFold {
    /// Creates the predictions from logits (N · V, C) and folds (N), or returns what is wrong with them.
    pub(super) fn from_parts(
        views: usize,
        logits: Array2<f32>,
        folds: Vec<usize>,
    ) -> Result<Self, String> {
        if views == 0 || logits.nrows() != folds.len() * views {
            return Err(format!(
                "has {} rows for {views} views of {} images",
                logits.nrows(),
                folds.len()
            ));
        }
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err("has values that are not finite".to_owned());
        }
        Ok(Self {
            views,
            logits,
            folds,
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::head::Groups;

    #[test]
    fn every_image_has_its_role_and_its_own_logits() {
        // Images 9, 3, 9 again, 5 and 4, with two views each; the logits encode their row.
        let digests = [9, 3, 9, 5, 4].map(|first| [first; 32]);
        let folds = Folds::new(&[0, 1, 0, 1, 0], &Groups::of_equal(&digests), 2, 0).unwrap();
        let logits = Array2::from_shape_fn((10, 2), |(row, class)| (10 * row + class) as f64);
        let record = TrainingRecord::new(&digests, &[[7; 32]]).with_out_of_fold(
            &digests,
            &folds,
            logits.view(),
        );
        assert!(record.is_known());
        assert_eq!(record.folds(), Some(2));
        let of = |first: u8| record.out_of_fold(&[first; 32]);
        assert_eq!(of(9).unwrap(), array![[0.0, 1.0], [10.0, 11.0]]);
        assert_eq!(of(3).unwrap(), array![[20.0, 21.0], [30.0, 31.0]]);
        assert_eq!(of(5).unwrap(), array![[60.0, 61.0], [70.0, 71.0]]);
        assert!(of(7).is_none() && of(8).is_none());
        let role = |first: u8| record.role(&[first; 32]);
        assert_eq!(
            [role(9), role(7), role(8)],
            [ImageRole::Training, ImageRole::HeldOut, ImageRole::New]
        );
    }

    #[test]
    fn a_head_that_records_nothing_knows_no_image() {
        let record = TrainingRecord::default();
        assert!(!record.is_known());
        assert_eq!(record.role(&[0; 32]), ImageRole::New);
        assert!(record.out_of_fold(&[0; 32]).is_none() && record.folds().is_none());
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let part = |views, rows, images: usize| {
            OutOfFold::from_parts(views, Array2::zeros((rows, 2)), vec![0; images])
        };
        assert!(part(2, 4, 2).is_ok());
        assert!(part(0, 0, 2).is_err() && part(2, 5, 2).is_err());
        let nan = OutOfFold::from_parts(1, array![[f32::NAN]], vec![0]);
        assert!(nan.unwrap_err().contains("finite"));
    }
}
