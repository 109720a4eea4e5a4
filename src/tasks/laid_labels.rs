//! Labels from a file, in place of the classes that a store or a scan has.
//!
//! A store is not changed: the labels replace the classes of its index in memory. Images without a label are
//! left out.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Result, TaskError};
use crate::features::{Digest, FeatureStore, IndexRow};
use crate::images::path_text::to_text;
use crate::images::{self, DecodeBudget, Found, Labels, Limits, Place, Scan, SkipReason};
use crate::labels::{Given, LabelColumns, LabelFile, Matched, Named};
use crate::phrases::{counted, in_quotes};

/// A label file, and how it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelOptions {
    /// The file; see [`labels`](crate::labels) for its formats.
    pub file: PathBuf,
    /// Its columns.
    pub columns: LabelColumns,
    /// Whether images that the file does not list keep the classes of their folders. Otherwise they have no
    /// label.
    pub over_folders: bool,
}

impl LabelOptions {
    /// Uses the labels of a file with the usual columns, instead of the folders.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        Self {
            file,
            columns: LabelColumns::default(),
            over_folders: false,
        }
    }

    pub(super) fn read(&self) -> Result<LabelFile> {
        LabelFile::read(&self.file, &self.columns)
    }

    /// Returns whether a scan takes classes from folders.
    pub(super) fn scanned(labels: Option<&Self>) -> Labels {
        match labels {
            Some(labels) if !labels.over_folders => Labels::None,
            _ => Labels::FromFolders,
        }
    }

    /// Returns the class of an image, whose folder says `own`.
    fn class<'a>(&self, given: Given<'a>, own: Option<&'a str>) -> Option<&'a str> {
        match given {
            Given::Class(class) => Some(class),
            Given::NoLabel => None,
            Given::Unlisted => own.filter(|_| self.over_folders),
        }
    }
}

/// How the rows of a label file and the images of a task correspond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LaidLabels {
    /// The label file.
    pub file: String,
    /// Images whose label is from the file.
    pub n_labelled: usize,
    /// Images that the file lists without a label.
    pub n_without_label: usize,
    /// Images that the file does not list.
    pub n_unlisted: usize,
    /// The first of them.
    pub unlisted: Vec<String>,
    /// Whether these keep the classes of their folders; otherwise they are left out.
    pub over_folders: bool,
    /// Rows of the file whose image is not there.
    pub n_unmatched: usize,
    /// The first of them.
    pub unmatched: Vec<String>,
    /// Whether the second store (of validation images, or to compare with) has classes of its own, because
    /// the file lists none of its images.
    pub second_has_own: bool,
}

impl LaidLabels {
    fn new(labels: &LabelOptions, matched: &Matched<'_>) -> Self {
        let unmatched = matched.unmatched();
        let Named { count, first } = matched.unlisted.clone();
        Self {
            file: to_text(&labels.file),
            n_labelled: matched.labelled,
            n_without_label: matched.without_label,
            n_unlisted: count,
            unlisted: first,
            over_folders: labels.over_folders,
            n_unmatched: unmatched.count,
            unmatched: unmatched.first,
            second_has_own: false,
        }
    }

    /// Says which images and rows have no partner.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let file = &self.file;
        let named = |n: usize, first: &[String]| {
            let more = if n > first.len() { ", …" } else { "" };
            in_quotes(first.iter().map(String::as_str)) + more
        };
        let unlisted = (self.n_unlisted > 0).then(|| {
            let images = counted(self.n_unlisted, "image");
            let names = named(self.n_unlisted, &self.unlisted);
            let then = if self.over_folders {
                "the classes of their folders are kept"
            } else {
                "they have no label"
            };
            format!("{images} not listed in `{file}`, {then}: {names}")
        });
        let unmatched = (self.n_unmatched > 0).then(|| {
            let rows = counted(self.n_unmatched, "row");
            let names = named(self.n_unmatched, &self.unmatched);
            format!("{rows} of `{file}` without an image here: {names}")
        });
        let second = self.second_has_own.then(|| {
            format!(
                "`{file}` lists no image of the second feature store, which keeps its own classes"
            )
        });
        unlisted
            .into_iter()
            .chain(unmatched)
            .chain(second)
            .collect()
    }

    /// Returns an error if the file labels no image.
    fn require(self, labels: &LabelOptions) -> Result<Self> {
        if self.n_labelled > 0 || labels.over_folders {
            return Ok(self);
        }
        Err(TaskError::NoneLabelled {
            labels: labels.file.clone(),
            rows: self.unmatched,
            images: self.unlisted,
        }
        .into())
    }
}

/// Replaces the classes of a store's images, and removes images without a label. The images of `second` get
/// theirs from the same file, if it lists any of them.
pub(super) fn lay_over(
    labels: &LabelOptions,
    store: &mut FeatureStore,
    second: Option<&mut FeatureStore>,
) -> Result<LaidLabels> {
    let file = labels.read()?;
    let mut matched = file.matched(paths(store))?;
    let beside = second.as_deref().map(|second| file.matched(paths(second)));
    let mut beside = beside.transpose()?;
    if let (Some(second), Some(beside)) = (second.as_deref(), &beside) {
        refuse_shared_rows(&file, (store, &matched), (second, beside))?;
    }
    relabel(labels, &mut matched, store);
    let mut second_has_own = false;
    if let (Some(second), Some(beside)) = (second, &mut beside) {
        let listed = |row: IndexRow| beside.row(&row.path, digest(&row).as_ref()).is_some();
        second_has_own = !second.index().rows().any(listed);
        if !second_has_own {
            relabel(labels, beside, second);
            matched.and(beside);
        }
    }
    let laid = LaidLabels::new(labels, &matched).require(labels)?;
    Ok(LaidLabels {
        second_has_own,
        ..laid
    })
}

/// Removes the images that have a label from a store in memory, with their duplicates.
pub(super) fn leave_out(labels: &LabelOptions, store: &mut FeatureStore) -> Result<LaidLabels> {
    let file = labels.read()?;
    let mut matched = file.matched(paths(store))?;
    let mut labelled = HashSet::new();
    for (row, digest) in store.index().used() {
        if let Given::Class(_) = matched.take(&row.path, Some(&digest)) {
            labelled.insert(digest);
        }
    }
    let laid = LaidLabels::new(labels, &matched).require(labels)?;
    store.leave_out(|digest| !labelled.contains(digest));
    Ok(laid)
}

/// Removes the images that have a label from a scan.
pub(super) fn leave_out_of_scan(labels: &LabelOptions, scan: &mut Scan) -> Result<LaidLabels> {
    let laid = lay_over_scan(labels, scan, true)?;
    scan.entries
        .change(|found| found.sample().class.is_none().then_some(found));
    Ok(laid)
}

fn paths(store: &FeatureStore) -> impl Iterator<Item = &str> + Clone {
    let index = store.index();
    (0..index.len()).filter_map(|number| index.path(number))
}

fn digest(row: &IndexRow) -> Option<Digest> {
    row.content.as_ref().ok().map(|content| content.digest)
}

fn relabel(labels: &LabelOptions, matched: &mut Matched<'_>, store: &mut FeatureStore) {
    store.change_index(|row| {
        let digest = digest(&row);
        let given = match &digest {
            Some(digest) => matched.take(&row.path, Some(digest)),
            None => matched.pass(&row.path),
        };
        let class = labels.class(given, row.class.as_deref()).map(str::to_owned);
        let is_kept = class.is_some() || digest.is_none();
        is_kept.then_some(IndexRow { class, ..row })
    });
}

/// Refuses a path that is that of different images in two stores.
fn refuse_shared_rows(
    file: &LabelFile,
    (store, matched): (&FeatureStore, &Matched<'_>),
    (second, beside): (&FeatureStore, &Matched<'_>),
) -> Result<()> {
    if file.is_by_digest() {
        return Ok(());
    }
    let mut digests = vec![None; file.len()];
    for (row, digest) in store.index().used() {
        if let Some(number) = matched.number(&row.path, None) {
            digests[number] = Some(digest);
        }
    }
    for (row, digest) in second.index().used() {
        let number = beside.number(&row.path, None);
        let other = number.and_then(|number| digests[number]);
        if other.is_some_and(|other| other != digest) {
            return Err(file.ambiguous(format!(
                "`{}` and `{}` have different images called `{}`",
                store.path().display(),
                second.path().display(),
                row.path
            )));
        }
    }
    Ok(())
}

/// Replaces the classes of a scan's images. Those without a label are removed, unless they are to be `kept`.
pub(super) fn lay_over_scan(
    labels: &LabelOptions,
    scan: &mut Scan,
    kept: bool,
) -> Result<LaidLabels> {
    let file = labels.read()?;
    let mut matched = {
        let names: Vec<&str> = scan.entries.names().collect();
        file.matched(names.into_iter())?
    };
    scan.entries.change(|found| {
        let sample = found.sample();
        let is_stray = found.reason() == Some(&SkipReason::NotInAClass);
        let digest = if file.is_by_digest() {
            read_digest(&sample.place)
        } else {
            None
        };
        let given = if found.reason().is_none() || is_stray {
            matched.take(&sample.name, digest.as_ref())
        } else {
            matched.pass(&sample.name)
        };
        let class = labels.class(given, sample.class.as_deref()).map(Arc::from);
        let (mut sample, reason) = match found {
            Found::Sample(sample) => (sample, None),
            Found::Skipped { sample, reason } => (sample, Some(reason)),
            given @ Found::Given { .. } => return Some(given),
        };
        sample.class = class;
        match reason {
            // It needs no folder, now that it has a class.
            Some(reason) if !is_stray || sample.class.is_none() => {
                Some(Found::Skipped { sample, reason })
            }
            _ => (kept || sample.class.is_some()).then_some(Found::Sample(sample)),
        }
    });
    LaidLabels::new(labels, &matched).require(labels)
}

/// Returns the digest of an image; `None` if it cannot be read, for which there will be a reason later.
fn read_digest(place: &Place) -> Option<Digest> {
    let budget = DecodeBudget::default();
    let bytes = images::read(place, &Limits::default(), &budget).ok()?;
    Some(Digest::of(&bytes))
}
