//! How far the shards of a run are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::index::Index;
use super::manifest::StoreManifest;
use super::merge::{absent, refuse_differences};
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
    /// There is no store at its path.
    Missing,
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
    /// Why the stores cannot be merged: shards of different numbers, or different manifests.
    pub problems: Vec<String>,
}

impl RunStatus {
    /// Returns whether all shards are there, have finished, and can be merged.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_finished = |shard: &ShardStatus| shard.state == ShardState::Finished;
        self.absent.is_empty() && self.problems.is_empty() && self.shards.iter().all(is_finished)
    }

    /// Returns the number of skipped images by reason.
    #[must_use]
    pub fn failed(&self) -> BTreeMap<&str, usize> {
        let mut all = BTreeMap::new();
        for (reason, n) in self.shards.iter().flat_map(|shard| &shard.failed) {
            *all.entry(reason.as_str()).or_default() += n;
        }
        all
    }
}

/// Finds out how far the shards of a run are. Stores that are missing or cannot be read are part of the
/// result.
#[must_use]
pub fn status(stores: &[PathBuf]) -> RunStatus {
    let mut shards = Vec::new();
    let mut problems = Vec::new();
    let mut first: Option<(&Path, StoreManifest)> = None;
    for store in stores {
        match of_store(store) {
            Ok((shard, manifest)) => {
                shards.push(shard);
                match &first {
                    None => first = Some((store, manifest)),
                    Some((other, agreed)) => {
                        let refused = refuse_differences((other, agreed), (store, &manifest));
                        problems.extend(refused.err().map(|problem| problem.to_string()));
                    }
                }
            }
            Err(error) => shards.push(ShardStatus {
                store: store.clone(),
                shard: None,
                state: match error {
                    Error::Features(FeaturesError::Missing { .. }) => ShardState::Missing,
                    other => ShardState::Unreadable(other.to_string()),
                },
                images: 0,
                done: 0,
                failed: BTreeMap::new(),
            }),
        }
    }
    let numbers = shards
        .iter()
        .filter_map(|status| Some((status, status.shard?)));
    let mut missing = Vec::new();
    if let Some((first, shard)) = numbers.clone().next() {
        let is_other = |(_, other): &(&ShardStatus, Shard)| other.count() != shard.count();
        problems.extend(numbers.clone().filter(is_other).map(|(other, number)| {
            FeaturesError::OtherShards {
                stores: [first.store.clone(), other.store.clone()],
                shards: [shard.to_string(), number.to_string()],
            }
            .to_string()
        }));
        missing = absent(shard.count(), numbers.map(|(_, shard)| shard));
    }
    RunStatus {
        shards,
        absent: missing,
        problems,
    }
}

fn of_store(path: &Path) -> Result<(ShardStatus, StoreManifest)> {
    let store = FeatureStore::open(path)?;
    let record = ShardRecord::read(path)?;
    let index = store.index();
    let is_finished = has_finished(path, record.as_ref())?;
    let manifest = store.manifest().clone();
    let shard = record.as_ref().map(|record| record.shard);
    let base = ShardStatus {
        store: path.to_owned(),
        shard,
        state: ShardState::Finished,
        images: index.len(),
        done: index.n_used(),
        failed: reasons(index),
    };
    if is_finished {
        return Ok((base, manifest));
    }
    // The index is that of an earlier run, or there is none.
    let vectors = store.count_vectors()?;
    let images = record.map_or(vectors, |record| record.n_images as usize);
    let unfinished = ShardStatus {
        state: ShardState::Unfinished,
        images,
        done: vectors.min(images),
        failed: BTreeMap::new(),
        ..base
    };
    Ok((unfinished, manifest))
}

fn reasons(index: &Index) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, reason) in index.skipped() {
        *counts.entry(reason.to_owned()).or_default() += 1;
    }
    counts
}
