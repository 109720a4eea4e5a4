//! Labelled features, checked once.

use ndarray::{Array2, ArrayView1, ArrayView2, s};

use crate::classes::ClassIndex;
use crate::error::{DataProblem, Result};

/// Checked features with labels: `features` (N · V, D) are finite, `targets` (N) are below C, and N is at
/// least 1.
///
/// V is the number of views of each image, 1 by default; the rows of an image are consecutive.
#[derive(Debug, Clone, Copy)]
pub struct LabelledFeatures<'a> {
    features: ArrayView2<'a, f32>,
    views: usize,
    targets: &'a [usize],
    classes: &'a ClassIndex,
}

impl<'a> LabelledFeatures<'a> {
    /// Checks the features and targets and borrows them.
    ///
    /// # Errors
    /// [`DataProblem`] when there are no rows, when features and targets differ in length, when a feature is
    /// NaN or infinite, or when a target is not the index of a class.
    pub fn new(
        features: ArrayView2<'a, f32>,
        targets: &'a [usize],
        classes: &'a ClassIndex,
    ) -> Result<Self> {
        Self::with_views(features, 1, targets, classes)
    }

    /// Like [`Self::new`], with `views` rows for each image.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_views(
        features: ArrayView2<'a, f32>,
        views: usize,
        targets: &'a [usize],
        classes: &'a ClassIndex,
    ) -> Result<Self> {
        let set = Self {
            features,
            views: views.max(1),
            targets,
            classes,
        };
        set.check()?;
        Ok(set)
    }

    fn check(&self) -> Result<(), DataProblem> {
        let (rows, targets) = (self.features.nrows(), self.targets.len() * self.views);
        if rows != targets {
            let what = "features";
            return Err(DataProblem::Rows {
                rows,
                what,
                targets,
            });
        }
        if rows == 0 {
            return Err(DataProblem::NoFeatures);
        }
        let broken = |row: ArrayView1<f32>| !row.iter().all(|x| x.is_finite());
        let row = self.features.rows().into_iter().position(broken);
        if row.is_some() {
            return Err(DataProblem::NotFinite { row });
        }
        require_classes(self.targets, self.classes.len())
    }

    /// Returns the same images with other features, which must have as many rows and be finite.
    pub(crate) fn with_features<'b>(&self, features: ArrayView2<'b, f32>) -> LabelledFeatures<'b>
    where
        'a: 'b,
    {
        LabelledFeatures {
            features,
            views: self.views,
            targets: self.targets,
            classes: self.classes,
        }
    }

    /// Returns the same set with a shorter lifetime.
    pub(crate) fn reborrow<'b>(&self) -> LabelledFeatures<'b>
    where
        'a: 'b,
    {
        self.with_features(self.features.reborrow())
    }

    /// Returns V, at least 1.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views
    }

    /// Returns the features, (N · V, D).
    #[must_use]
    pub fn features(&self) -> ArrayView2<'a, f32> {
        self.features
    }

    /// Returns the class of each image, (N), each below C.
    #[must_use]
    pub fn targets(&self) -> &'a [usize] {
        self.targets
    }

    /// Returns the names of the C classes.
    #[must_use]
    pub fn classes(&self) -> &'a ClassIndex {
        self.classes
    }

    /// Returns N, at least 1.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.targets.len()
    }

    /// Returns the number of images of each class, (C).
    #[must_use]
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.targets.iter().for_each(|&target| counts[target] += 1);
        counts
    }

    /// Returns how many of the given images each class has, (C).
    pub(crate) fn class_counts_of(&self, images: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &image in images {
            counts[self.targets[image]] += 1;
        }
        counts
    }

    /// Returns one image as a set of its own, without copying it.
    pub(crate) fn image(&self, image: usize) -> Self {
        let rows = image * self.views..(image + 1) * self.views;
        Self {
            features: self.features.slice_move(s![rows, ..]),
            targets: &self.targets[image..=image],
            ..*self
        }
    }
}

/// Returns an error if a target is not the index of a class.
pub(crate) fn require_classes(targets: &[usize], n_classes: usize) -> Result<(), DataProblem> {
    match targets.iter().find(|&&target| target >= n_classes) {
        Some(&target) => Err(DataProblem::Target { target, n_classes }),
        None => Ok(()),
    }
}

/// Returns an error if `targets` and `others` differ in length; `what` names the others, as a plural.
pub(crate) fn require_equal<T>(
    targets: &[usize],
    others: &[T],
    what: &'static str,
) -> Result<(), DataProblem> {
    let (targets, others) = (targets.len(), others.len());
    if targets == others {
        return Ok(());
    }
    Err(DataProblem::Targets {
        targets,
        others,
        what,
    })
}

/// Returns an error if only one class has training images: the head would always predict that class.
///
/// `counts` (C) is the number of training images of each class.
pub(crate) fn require_two_classes(classes: &ClassIndex, counts: &[usize]) -> Result<()> {
    if counts.iter().filter(|&&count| count > 0).count() >= 2 {
        return Ok(());
    }
    let only = counts.iter().position(|&count| count > 0);
    let class = only.and_then(|class| classes.name(class));
    let class = class.unwrap_or_default().to_owned();
    Err(DataProblem::OneClass { class }.into())
}

/// Owned features with their targets, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FeatureMatrix {
    /// (N · V, D); the rows of an image are consecutive.
    pub features: Array2<f32>,
    /// V, at least 1.
    pub views: usize,
    /// The class of each image, (N).
    pub targets: Vec<usize>,
}

impl FeatureMatrix {
    /// Checks the features and targets.
    ///
    /// # Errors
    /// As [`LabelledFeatures::new`].
    pub(crate) fn labelled<'a>(&'a self, classes: &'a ClassIndex) -> Result<LabelledFeatures<'a>> {
        LabelledFeatures::with_views(self.features.view(), self.views, &self.targets, classes)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn refusal(features: &Array2<f32>, targets: &[usize]) -> String {
        let classes = ClassIndex::from_names(["cat", "dog"]);
        LabelledFeatures::new(features.view(), targets, &classes)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_cannot_be_trained_on_is_named() {
        assert_eq!(
            refusal(&Array2::zeros((0, 3)), &[]),
            "there are no features"
        );
        assert!(refusal(&array![[0.0]], &[0, 1]).contains("1 row of features, but 2 targets"));
        assert!(refusal(&array![[0.0], [f32::NAN]], &[0, 1]).contains("row 1"));
        assert!(refusal(&array![[f32::INFINITY], [0.0]], &[0, 1]).contains("row 0"));
        assert!(
            refusal(&array![[0.0]], &[2])
                .contains("target 2 is out of range: there are 2 classes, counted from 0")
        );
    }

    #[test]
    fn one_class_is_not_enough_to_train() {
        let classes = ClassIndex::from_names(["cat", "dog"]);
        let features = array![[0.0], [1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 0], &classes).unwrap();
        let error = require_two_classes(&classes, &[2, 0]).unwrap_err();
        assert!(error.to_string().ends_with("found only `cat`"));
        assert_eq!(set.class_counts(), [2, 0]);
        assert_eq!(set.class_counts_of(&[1]), [1, 0]);
    }
}
