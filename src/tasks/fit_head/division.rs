//! Who trains and who validates.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::Validation;
use super::samples::{Samples, Source};
use crate::classes::ClassIndex;
use crate::error::{Error, Result};
use crate::features::{Digest, FeatureStore};
use crate::head::{FeatureMatrix, validation_split};
use crate::phrases::{counted, in_quotes};

/// Some images of a store: the class and the digest of each.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) targets: Vec<usize>,
    pub(super) digests: Vec<Digest>,
}

impl Chosen {
    /// How many there are of each class, (C).
    pub(super) fn counts(&self, classes: &ClassIndex) -> Vec<usize> {
        let mut counts = vec![0; classes.len()];
        self.targets.iter().for_each(|&target| counts[target] += 1);
        counts
    }

    pub(super) fn read(&self, source: &Source) -> Result<FeatureMatrix> {
        source.read(self.targets.clone(), &self.digests)
    }
}

/// The images on both sides.
#[derive(Debug, Default)]
pub(super) struct Division {
    pub(super) train: Chosen,
    pub(super) validation: Option<Chosen>,
    /// The store of the validation images, where it is another one.
    other: Option<FeatureStore>,
}

impl Division {
    /// As it was asked for.
    pub(super) fn of(
        samples: &Samples,
        validation: &Validation,
        seed: u64,
        classes: &ClassIndex,
        source: &Source,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let (targets, digests, _) = samples.targets(classes);
        let train = Chosen { targets, digests };
        match validation {
            Validation::None => Ok(Self {
                train,
                ..Self::default()
            }),
            Validation::Store(path) => {
                let store = FeatureStore::open(path)?;
                require_same_spec(source, &store)?;
                let (targets, digests, unknown) = Samples::of(&store)?.targets(classes);
                if targets.is_empty() {
                    return Err(nothing_to_validate(&unknown, path));
                }
                warnings.extend(unknown_warning(&unknown, path));
                warnings.extend(leak_warning(&train.digests, &digests));
                Ok(Self {
                    train,
                    validation: Some(Chosen { targets, digests }),
                    other: Some(store),
                })
            }
            Validation::Split(fraction) => {
                let keys: Vec<[u8; 32]> = train.digests.iter().map(|digest| digest.0).collect();
                let split = validation_split(&train.targets, &keys, *fraction, seed)?;
                if split.validation.is_empty() {
                    return Err(nothing_to_hold_out());
                }
                let pick = |rows: &[usize]| Chosen {
                    targets: rows.iter().map(|&row| train.targets[row]).collect(),
                    digests: rows.iter().map(|&row| train.digests[row]).collect(),
                };
                Ok(Self {
                    train: pick(&split.train),
                    validation: Some(pick(&split.validation)),
                    other: None,
                })
            }
        }
    }

    /// Where the validation images are.
    pub(super) fn validation_source<'a>(&'a self, source: &Source<'a>) -> Source<'a> {
        Source {
            store: self.other.as_ref().unwrap_or(source.store),
            views: source.views,
        }
    }

    /// The training set's images that are kept for validation.
    pub(super) fn held_out(&self) -> &[Digest] {
        match (&self.validation, &self.other) {
            (Some(chosen), None) => &chosen.digests,
            _ => &[],
        }
    }

    /// Training and validation images.
    pub(super) fn n_images(&self) -> usize {
        let validation = self.validation.as_ref();
        self.train.targets.len() + validation.map_or(0, |chosen| chosen.targets.len())
    }
}

fn require_same_spec(source: &Source, validation: &FeatureStore) -> Result<()> {
    let store = source.store;
    let used = store.manifest().spec.with_views(source.views);
    let differences = used.differences_from_superset(&validation.manifest().spec);
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::Mismatch {
        left: format!("the training features `{}`", store.path().display()),
        right: format!("the validation features `{}`", validation.path().display()),
        differences: differences.join("; "),
        hint: "extract both with the same backbone and preprocessing".to_owned(),
    })
}

fn nothing_to_hold_out() -> Error {
    Error::Input {
        problem: "no class has two different images, so that none can be held out for validation"
            .to_owned(),
        hint: "add images, or train on all of them without --validation-split".to_owned(),
    }
}

/// Validation features of which no sample has a class of the training set.
fn nothing_to_validate(unknown: &BTreeMap<String, usize>, path: &Path) -> Error {
    let names = in_quotes(unknown.keys().map(String::as_str));
    let problem = if names.is_empty() {
        format!(
            "the validation features `{}` hold no samples",
            path.display()
        )
    } else {
        format!(
            "the validation features `{}` have no class of the training set, only {names}",
            path.display()
        )
    };
    Error::Input {
        problem,
        hint: "give features of images of the same classes".to_owned(),
    }
}

fn unknown_warning(unknown: &BTreeMap<String, usize>, path: &Path) -> Option<String> {
    (!unknown.is_empty()).then(|| {
        format!(
            "{} of `{}` are left out, since the training set lacks their {}: {}",
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
