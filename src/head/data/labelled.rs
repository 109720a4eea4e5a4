//! Labelled features, checked once.

use ndarray::{Array2, ArrayView1, ArrayView2, s};

use crate::classes::ClassIndex;
use crate::error::{DataProblem, Result};

/// Features with labels, checked: `features` (N · V, D) are finite, `targets` (N) below C, and N at least 1.
///
/// V is the number of views of each image, 1 unless said otherwise; the rows of an image stand together.
#[derive(Debug, Clone, Copy)]
pub struct LabelledFeatures<'a> {
    features: ArrayView2<'a, f32>,
    views: usize,
    targets: &'a [usize],
    classes: &'a ClassIndex,
}

impl<'a> LabelledFeatures<'a> {
    /// Checks the numbers and keeps views of them.
    ///
    /// # Errors
    /// [`DataProblem`] when there is no row, when the two differ in length, when a feature is NaN or
    /// infinite, or when a target is not the index of a class.
    pub fn new(
        features: ArrayView2<'a, f32>,
        targets: &'a [usize],
        classes: &'a ClassIndex,
    ) -> Result<Self> {
        Self::with_views(features, 1, targets, classes)
    }

    /// The same for `views` rows of each image.
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

    /// The same images with other features, as many and finite.
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

    /// The same for a shorter while.
    pub(crate) fn reborrow<'b>(&self) -> LabelledFeatures<'b>
    where
        'a: 'b,
    {
        self.with_features(self.features.reborrow())
    }

    /// V, at least 1.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views
    }

    /// The features, (N · V, D).
    #[must_use]
    pub fn features(&self) -> ArrayView2<'a, f32> {
        self.features
    }

    /// The class of each image, (N), each below C.
    #[must_use]
    pub fn targets(&self) -> &'a [usize] {
        self.targets
    }

    /// The names of the C classes.
    #[must_use]
    pub fn classes(&self) -> &'a ClassIndex {
        self.classes
    }

    /// N, at least 1.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.targets.len()
    }

    /// How many images each class has, (C).
    #[must_use]
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.targets.iter().for_each(|&target| counts[target] += 1);
        counts
    }

    /// How many of some images each class has, (C).
    pub(crate) fn class_counts_of(&self, images: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &image in images {
            counts[self.targets[image]] += 1;
        }
        counts
    }

    /// One image alone, not copied.
    pub(crate) fn image(&self, image: usize) -> Self {
        let rows = image * self.views..(image + 1) * self.views;
        Self {
            features: self.features.slice_move(s![rows, ..]),
            targets: &self.targets[image..=image],
            ..*self
        }
    }
}

/// Refuses a target that is not the index of a class.
pub(crate) fn require_classes(targets: &[usize], n_classes: usize) -> Result<(), DataProblem> {
    match targets.iter().find(|&&target| target >= n_classes) {
        Some(&target) => Err(DataProblem::Target { target, n_classes }),
        None => Ok(()),
    }
}

/// Refuses targets that are not as many as the others, whose name is a plural.
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

/// Refuses a training set of one class only: whatever it learned, it would always answer the same.
///
/// `counts` (C) are those of the images that are trained on.
pub(crate) fn require_two_classes(classes: &ClassIndex, counts: &[usize]) -> Result<()> {
    if counts.iter().filter(|&&count| count > 0).count() >= 2 {
        return Ok(());
    }
    let only = counts.iter().position(|&count| count > 0);
    let class = only.and_then(|class| classes.name(class));
    let class = class.unwrap_or_default().to_owned();
    Err(DataProblem::OneClass { class }.into())
}

/// Features with their targets, owned and not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FeatureMatrix {
    /// (N · V, D), the rows of an image together.
    pub features: Array2<f32>,
    /// V, at least 1.
    pub views: usize,
    /// The class of each image, (N).
    pub targets: Vec<usize>,
}

impl FeatureMatrix {
    /// Checks the numbers.
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
        assert!(refusal(&array![[0.0]], &[0, 1]).contains("1 rows of features, but 2 targets"));
        assert!(refusal(&array![[0.0], [f32::NAN]], &[0, 1]).contains("row 1"));
        assert!(refusal(&array![[f32::INFINITY], [0.0]], &[0, 1]).contains("row 0"));
        assert!(refusal(&array![[0.0]], &[2]).contains("a target 2, but only 2 classes"));
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
