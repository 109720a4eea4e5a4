//! `labels stats` and `labels diff`: what label files say, and what changed between two of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::inputs::Inputs;
use super::laid_labels::{LabelOptions, LaidLabels, lay_over, lay_over_scan};
use crate::error::Result;
use crate::features::{Digest, FeatureStore, try_is_store};
use crate::images::path_text::to_text;
use crate::images::{Labels, Names};
use crate::labels::{Given, LabelColumns, LabelFile, Verdict};
use crate::progress::Progress;

/// The labels in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelStats {
    /// The file.
    pub file: String,
    /// The number of images that it lists.
    pub n_rows: usize,
    /// The number of rows of each class.
    pub classes: BTreeMap<String, usize>,
    /// Rows without a label.
    pub n_without_label: usize,
    /// Rows of images that a head rejects.
    pub n_unknown: usize,
    /// How the rows and the images correspond, if images were given.
    pub label_file: Option<LaidLabels>,
}

/// Counts the labels in a file, and compares it with the images of a folder or store.
///
/// # Errors
/// A label file, a store or images that cannot be read.
pub fn label_stats(
    labels: &LabelOptions,
    data: Option<(&Path, Names)>,
    progress: &dyn Progress,
) -> Result<LabelStats> {
    let file = labels.read()?;
    let mut stats = LabelStats {
        file: to_text(&labels.file),
        n_rows: file.len(),
        classes: BTreeMap::new(),
        n_without_label: 0,
        n_unknown: 0,
        label_file: None,
    };
    for row in file.rows() {
        match row.verdict {
            Verdict::Class(class) => *stats.classes.entry(class.to_owned()).or_insert(0) += 1,
            Verdict::NoLabel => stats.n_without_label += 1,
            Verdict::Unknown => stats.n_unknown += 1,
        }
    }
    if let Some((data, names)) = data {
        stats.label_file = Some(if try_is_store(data)? {
            lay_over(labels, &mut FeatureStore::open(data)?, None)?
        } else {
            let inputs = Inputs::Paths(vec![data.to_owned()], names);
            lay_over_scan(labels, &mut inputs.scan(Labels::None, progress)?, true)?
        });
    }
    Ok(stats)
}

/// What changed from one label file to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelDiff {
    /// The file with the labels before.
    pub before: String,
    /// The file with the labels after.
    pub after: String,
    /// Images with the same label in both.
    pub n_same: usize,
    /// How many images changed from each class to each other class. `None` stands for no label.
    pub moves: Vec<LabelMove>,
    /// The images that changed, in the order of the second file, then those that only the first one lists.
    pub changes: Vec<LabelChange>,
}

/// How many images changed from one class to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelMove {
    /// The class before; `None` without a label.
    pub before: Option<String>,
    /// The class after; `None` without a label.
    pub after: Option<String>,
    /// The number of images.
    pub n_images: usize,
}

/// An image with another label than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelChange {
    /// Its path or digest, as in the file that lists it; the second one, if both do.
    pub path: String,
    /// The class before; `None` without a label.
    pub before: Option<String>,
    /// The class after; `None` without a label.
    pub after: Option<String>,
}

/// Compares two label files. An image that a file does not list has no label in it.
///
/// # Errors
/// Label files that cannot be read, and paths that correspond in several ways.
pub fn label_diff(before: &Path, after: &Path, columns: &LabelColumns) -> Result<LabelDiff> {
    let [old, new] = [before, after].map(|path| LabelFile::read(path, columns));
    let (old, new) = (old?, new?);
    let keys: Vec<&str> = new.rows().map(|row| row.key).collect();
    let mut matched = old.matched(keys.iter().copied())?;
    let mut changes = Vec::new();
    let mut n_same = 0;
    for row in new.rows() {
        let class = match matched.take(row.key, digest_of(row.key).as_ref()) {
            Given::Class(class) => Some(class),
            Given::NoLabel | Given::Unlisted => None,
        };
        if class == row.class() {
            n_same += 1;
        } else {
            changes.push(change(row.key, class, row.class()));
        }
    }
    let gone = old.rows().zip(matched.seen()).filter(|(_, seen)| !**seen);
    for (row, _) in gone {
        match row.class() {
            None => n_same += 1,
            class => changes.push(change(row.key, class, None)),
        }
    }
    Ok(LabelDiff {
        before: to_text(before),
        after: to_text(after),
        n_same,
        moves: moves(&changes),
        changes,
    })
}

/// Returns the digest that a key is.
fn digest_of(key: &str) -> Option<Digest> {
    let hash = blake3::Hash::from_hex(key).ok()?;
    Some(Digest(hash.into()))
}

fn change(path: &str, before: Option<&str>, after: Option<&str>) -> LabelChange {
    LabelChange {
        path: path.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

/// Counts the changes, the most frequent first.
fn moves(changes: &[LabelChange]) -> Vec<LabelMove> {
    let mut counts: BTreeMap<(&Option<String>, &Option<String>), usize> = BTreeMap::new();
    for change in changes {
        *counts.entry((&change.before, &change.after)).or_insert(0) += 1;
    }
    let moves = counts
        .into_iter()
        .map(|((before, after), n_images)| LabelMove {
            before: before.clone(),
            after: after.clone(),
            n_images,
        });
    let mut moves: Vec<LabelMove> = moves.collect();
    moves.sort_by_key(|found| std::cmp::Reverse(found.n_images));
    moves
}
