//! The division into training and validation images, from one or two stores.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use super::options::{FitHeadOptions, Validation};
use crate::backbones::FeatureSpec;
use crate::classes::ClassIndex;
use crate::error::{Result, TaskError};
use crate::features::{Digest, FeatureStore};
use crate::head::{FeatureMatrix, validation_split};
use crate::images::View;
use crate::phrases::{counted, in_quotes};
use crate::tasks::laid_labels::{LaidLabels, lay_over};
use crate::tasks::only_split::OnlySplit;

/// Labelled images of a store, and the views to use.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) store: Rc<FeatureStore>,
    pub(super) views: Rc<[View]>,
    /// The class of each image.
    pub(super) targets: Vec<usize>,
    /// The digest of each image.
    pub(super) digests: Vec<Digest>,
}

impl Chosen {
    /// Returns the number of images of each class, (C).
    pub(super) fn counts(&self, classes: &ClassIndex) -> Vec<usize> {
        let mut counts = vec![0; classes.len()];
        self.targets.iter().for_each(|&target| counts[target] += 1);
        counts
    }

    /// Returns D.
    pub(super) fn n_features(&self) -> usize {
        self.store.manifest().spec.backbone.num_features
    }

    /// Returns the specification of the features, with the views to use.
    pub(super) fn spec(&self) -> FeatureSpec {
        self.store.manifest().spec.with_views(&self.views)
    }

    /// Reads all features.
    pub(super) fn read(&self) -> Result<FeatureMatrix> {
        Ok(FeatureMatrix {
            features: self.store.views(&self.digests, &self.views)?,
            views: self.views.len(),
            targets: self.targets.clone(),
        })
    }

    /// Returns a subset of the images.
    fn pick(&self, rows: &[usize]) -> Self {
        Self {
            targets: rows.iter().map(|&row| self.targets[row]).collect(),
            digests: rows.iter().map(|&row| self.digests[row]).collect(),
            store: Rc::clone(&self.store),
            views: Rc::clone(&self.views),
        }
    }
}

/// The training and validation images.
#[derive(Debug)]
pub(super) struct Division {
    /// The classes of the training set.
    pub(super) classes: ClassIndex,
    pub(super) train: Chosen,
    pub(super) validation: Option<Chosen>,
    /// Warnings for the user.
    pub(super) warnings: Vec<String>,
    /// How the label file and the images correspond, if there is one.
    pub(super) laid_labels: Option<LaidLabels>,
}

impl Division {
    /// Divides the images as `options` says.
    pub(super) fn of(options: &FitHeadOptions, seed: u64) -> Result<Self> {
        let mut store = FeatureStore::open(&options.features)?;
        let views = views(options.augment, &store)?;
        let mut second = options
            .validation
            .store()
            .map(FeatureStore::open)
            .transpose()?;
        let labels = options.labels.as_ref();
        let laid = labels.map(|labels| lay_over(labels, &mut store, second.as_mut()));
        let laid_labels = laid.transpose()?;
        require_labels(&store)?;
        let splits = match &options.validation {
            Validation::Splits(file) => Some(Splits::of(file, &store)?),
            _ => None,
        };
        let index = store.index();
        let names = index.class_counts().into_keys().flatten();
        let classes = ClassIndex::from_names(names.map(str::to_owned));
        let target = |class| classes.class_to_idx(class).expect("it is one of them");
        let train = Chosen {
            targets: labelled(&store).map(|(class, _)| target(class)).collect(),
            digests: index.digests().collect(),
            store: Rc::new(store.without_index()),
            views: views.into(),
        };
        let division = Self {
            classes,
            train,
            validation: None,
            warnings: Vec::new(),
            laid_labels,
        };
        match (&options.validation, second, splits) {
            (Validation::Split(fraction), ..) => division.split(*fraction, seed),
            (_, Some(store), _) => division.validated_on(store),
            (_, _, Some(splits)) => Ok(division.divided(&splits)),
            _ => Ok(division),
        }
    }

    fn validated_on(mut self, store: FeatureStore) -> Result<Self> {
        let path = &store.path().to_owned();
        require_same_spec(&self.train, &store)?;
        require_labels(&store)?;
        let (mut targets, mut digests, mut unknown) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (class, digest) in labelled(&store) {
            match self.classes.class_to_idx(class) {
                Some(target) => {
                    targets.push(target);
                    digests.push(digest);
                }
                None => *unknown.entry(class.to_owned()).or_insert(0) += 1,
            }
        }
        if targets.is_empty() {
            return Err(TaskError::NothingToValidate {
                store: path.clone(),
                classes: unknown.into_keys().collect(),
            }
            .into());
        }
        self.warnings.extend(unknown_warning(&unknown, path));
        self.warnings
            .extend(leak_warning(&self.train.digests, &digests));
        self.validation = Some(Chosen {
            store: Rc::new(store.without_index()),
            views: Rc::clone(&self.train.views),
            targets,
            digests,
        });
        Ok(self)
    }

    /// Divides the images as a file of splits says.
    fn divided(self, splits: &Splits) -> Self {
        Self {
            train: self.train.pick(&splits.train),
            validation: Some(self.train.pick(&splits.validation)),
            ..self
        }
    }

    fn split(self, fraction: f64, seed: u64) -> Result<Self> {
        let keys: Vec<[u8; 32]> = self.train.digests.iter().map(|digest| digest.0).collect();
        let split = validation_split(&self.train.targets, &keys, fraction, seed)?;
        if split.validation.is_empty() {
            return Err(TaskError::NothingToHoldOut.into());
        }
        Ok(Self {
            train: self.train.pick(&split.train),
            validation: Some(self.train.pick(&split.validation)),
            ..self
        })
    }

    /// Returns the images that were held out of the training set for validation.
    pub(super) fn held_out(&self) -> &[Digest] {
        match &self.validation {
            Some(chosen) if Rc::ptr_eq(&chosen.store, &self.train.store) => &chosen.digests,
            _ => &[],
        }
    }

    /// Returns the number of training and validation images together.
    pub(super) fn n_images(&self) -> usize {
        let validation = self.validation.as_ref();
        self.train.targets.len() + validation.map_or(0, |chosen| chosen.targets.len())
    }
}

/// The labelled images of a store that are trained and validated on, by their numbers among these.
struct Splits {
    train: Vec<usize>,
    validation: Vec<usize>,
}

impl Splits {
    fn of(file: &Path, store: &FeatureStore) -> Result<Self> {
        let parts = ["train", "validation"].map(|name| OnlySplit::new(file.to_owned(), name));
        let [train, validation] = parts.map(|part| part.numbers(store));
        Ok(Self {
            train: train?,
            validation: validation?,
        })
    }
}

/// Returns an error for a store without samples, or with unlabelled ones.
fn require_labels(store: &FeatureStore) -> Result<()> {
    store.require_samples()?;
    let (index, labelled) = (store.index(), labelled(store).count());
    if labelled < index.n_used() {
        return Err(TaskError::Unlabelled {
            store: store.path().to_owned(),
            unlabelled: index.n_used() - labelled,
            images: index.n_used(),
        }
        .into());
    }
    Ok(())
}

/// Iterates over the classes and the digests of the labelled samples of a store.
fn labelled(store: &FeatureStore) -> impl Iterator<Item = (&str, Digest)> {
    let index = store.index();
    let used = index.used_numbers();
    used.filter_map(|number| Some((index.class(number)?, index.digest(number)?)))
}

/// Returns the views to train on.
pub(super) fn views(augment: bool, store: &FeatureStore) -> Result<Vec<View>> {
    let there = &store.manifest().spec.views;
    match (augment, there.len()) {
        (false, _) => Ok(vec![View::Center]),
        (true, 2..) => Ok(there.clone()),
        (true, _) => {
            let store = store.path().to_owned();
            Err(TaskError::OneView { store }.into())
        }
    }
}

fn require_same_spec(train: &Chosen, validation: &FeatureStore) -> Result<()> {
    let names = ["the training features", "the validation features"];
    let differences = train
        .spec()
        .differences_from_superset(&validation.manifest().spec, names);
    if differences.is_empty() {
        return Ok(());
    }
    Err(TaskError::OtherValidation {
        train: train.store.path().to_owned(),
        validation: validation.path().to_owned(),
        differences,
    }
    .into())
}

fn unknown_warning(unknown: &BTreeMap<String, usize>, path: &Path) -> Option<String> {
    (!unknown.is_empty()).then(|| {
        format!(
            "skipped {} of `{}`, because the training set has no {} {}",
            counted(unknown.values().sum(), "image"),
            path.display(),
            if unknown.len() == 1 {
                "class"
            } else {
                "classes"
            },
            in_quotes(unknown.keys().map(String::as_str))
        )
    })
}

fn leak_warning(train: &[Digest], validation: &[Digest]) -> Option<String> {
    let train: HashSet<&Digest> = train.iter().collect();
    let leaked = validation
        .iter()
        .filter(|digest| train.contains(digest))
        .count();
    (leaked > 0).then(|| {
        format!(
            "results are optimistic: {leaked} of the {} {} also in the training set",
            counted(validation.len(), "validation image"),
            if leaked == 1 { "is" } else { "are" }
        )
    })
}
