//! How far the shards of a run are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::index::Index;
use super::manifest::StoreManifest;
use super::merge::refuse_differences;
use super::one_run::OneRun;
use super::shard_record::{ShardRecord, has_finished};
use super::store::FeatureStore;
use crate::error::{Error, FeaturesError, Result};
use crate::images::Shard;

/// The state of one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShardState {
    /// Its run has finished.
    Finished,
    /// Its run is still going, or was stopped.
    Unfinished,
    /// There is nothing at its path.
    Missing,
    /// There is something else than a store at its path.
    Stray,
    /// Its store cannot be read, with the reason.
    Unreadable(String),
}

impl ShardState {
    /// Returns the state as a word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Unfinished => "unfinished",
            Self::Missing => "missing",
            Self::Stray => "stray",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// How far one shard is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShardStatus {
    /// The path of its store.
    pub store: PathBuf,
    /// Its number; `None` if there is no record of it.
    pub shard: Option<Shard>,
    /// Its state.
    pub state: ShardState,
    /// The images that it has, or is known to have so far.
    pub images: usize,
    /// Images with features. Those of an unfinished shard are counted by content: identical images count
    /// once, and skipped ones as missing.
    pub done: usize,
    /// How many images were skipped, by reason.
    pub failed: BTreeMap<String, usize>,
    /// Whether another entry with the same images is counted in its place.
    pub is_repeated: bool,
}

impl ShardStatus {
    /// Returns the number of skipped images.
    #[must_use]
    pub fn n_failed(&self) -> usize {
        self.failed.values().sum()
    }

    /// Returns the number of images that are neither done nor skipped.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.images.saturating_sub(self.done + self.n_failed())
    }
}

/// How far the shards of a run are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunStatus {
    /// One entry for each path, in their order.
    pub shards: Vec<ShardStatus>,
    /// Shards without a store, such as `7/16`.
    pub absent: Vec<String>,
    /// Why the stores cannot be merged: shards of different runs, or different manifests.
    pub problems: Vec<String>,
    /// A note if the images have changed between two shards.
    pub note: Option<String>,
}

impl RunStatus {
    /// Returns whether all shards are there, have finished, and can be merged.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_finished = |shard: &ShardStatus| shard.state == ShardState::Finished;
        self.absent.is_empty() && self.problems.is_empty() && self.shards.iter().all(is_finished)
    }

    /// Iterates over the shards, each once.
    pub fn counted(&self) -> impl Iterator<Item = &ShardStatus> {
        self.shards.iter().filter(|shard| !shard.is_repeated)
    }

    /// Returns the number of skipped images by reason.
    #[must_use]
    pub fn failed(&self) -> BTreeMap<&str, usize> {
        let mut all = BTreeMap::new();
        for (reason, n) in self.counted().flat_map(|shard| &shard.failed) {
            *all.entry(reason.as_str()).or_default() += n;
        }
        all
    }
}

/// Finds out how far the shards of a run are. Stores that are missing or cannot be read are part of the
/// result.
#[must_use]
pub fn status(stores: &[PathBuf]) -> RunStatus {
    let mut shards: Vec<ShardStatus> = Vec::new();
    let mut records = Vec::new();
    let mut problems = Vec::new();
    let mut first: Option<(&Path, StoreManifest)> = None;
    for store in stores {
        match of_store(store) {
            Ok((shard, manifest, record)) => {
                shards.push(shard);
                records.push(record);
                match &first {
                    None => first = Some((store, manifest)),
                    Some((other, agreed)) => {
                        let refused = refuse_differences((other, agreed), (store, &manifest));
                        problems.extend(refused.err().map(|problem| problem.to_string()));
                    }
                }
            }
            Err(error) => {
                shards.push(unknown(store, error));
                records.push(None);
            }
        }
    }
    let recorded = stores.iter().zip(&records);
    let run = OneRun::of(recorded.filter_map(|(store, record)| Some((&**store, record.as_ref()?))));
    problems.extend(run.problems.iter().map(ToString::to_string));
    mark_repeated(&mut shards, &records);
    RunStatus {
        shards,
        absent: run.absent,
        problems,
        note: run.note,
    }
}

/// Marks all but the most complete one of several stores of the same images.
fn mark_repeated(shards: &mut [ShardStatus], records: &[Option<ShardRecord>]) {
    let paths = shards
        .iter()
        .map(|shard| fs::canonicalize(&shard.store).ok());
    let paths: Vec<Option<PathBuf>> = paths.collect();
    let are_same = |one: usize, other: usize| match (&records[one], &records[other]) {
        (Some(one), Some(other)) => one.shard == other.shard && one.has_same_images(other),
        _ => paths[one].is_some() && paths[one] == paths[other],
    };
    let done = |shard: &ShardStatus| (shard.state == ShardState::Finished, shard.done);
    for later in 0..shards.len() {
        let mut before = (0..later).filter(|&one| !shards[one].is_repeated);
        if let Some(earlier) = before.find(|&one| are_same(one, later)) {
            let is_more = done(&shards[later]) > done(&shards[earlier]);
            shards[if is_more { earlier } else { later }].is_repeated = true;
        }
    }
}

/// Describes a store that cannot be read.
fn unknown(store: &Path, error: Error) -> ShardStatus {
    ShardStatus {
        store: store.to_owned(),
        shard: None,
        state: match error {
            Error::Features(FeaturesError::Missing { .. }) => ShardState::Missing,
            Error::Features(FeaturesError::NotAStore { .. }) => ShardState::Stray,
            other => ShardState::Unreadable(other.to_string()),
        },
        images: 0,
        done: 0,
        failed: BTreeMap::new(),
        is_repeated: false,
    }
}

fn of_store(path: &Path) -> Result<(ShardStatus, StoreManifest, Option<ShardRecord>)> {
    let store = FeatureStore::open(path)?;
    let record = ShardRecord::read(path)?;
    let index = store.index();
    let is_finished = has_finished(path, record.as_ref())?;
    let manifest = store.manifest().clone();
    let base = ShardStatus {
        store: path.to_owned(),
        shard: record.as_ref().map(|record| record.shard),
        state: ShardState::Finished,
        images: index.len(),
        done: index.n_used(),
        failed: reasons(index),
        is_repeated: false,
    };
    if is_finished {
        return Ok((base, manifest, record));
    }
    // The index is that of an earlier run, or there is none.
    let vectors = store.count_vectors()?;
    let recorded = record.as_ref().map(|record| record.n_images as usize);
    let images = recorded.unwrap_or(vectors);
    let unfinished = ShardStatus {
        state: ShardState::Unfinished,
        images,
        done: vectors.min(images),
        failed: BTreeMap::new(),
        ..base
    };
    Ok((unfinished, manifest, record))
}

fn reasons(index: &Index) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, reason) in index.skipped() {
        *counts.entry(reason.to_owned()).or_default() += 1;
    }
    counts
}
