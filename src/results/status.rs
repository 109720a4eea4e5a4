//! How far the shards of a run are, as JSON.

use serde::Serialize;

use super::Wording;
use crate::features::{RunStatus, ShardState, ShardStatus};
use crate::images::path_text::to_text;

/// The result of `features status`.
#[derive(Debug, Serialize)]
pub struct ShardsStatus<'a> {
    is_complete: bool,
    n_images: usize,
    n_done: usize,
    n_failed: usize,
    n_missing: usize,
    failed: Vec<Failed>,
    missing_shards: &'a [String],
    problems: &'a [String],
    note: Option<&'a str>,
    shards: Vec<OneShard<'a>>,
}

/// The images that were skipped for one reason.
#[derive(Debug, Serialize)]
struct Failed {
    reason: String,
    n_images: usize,
}

#[derive(Debug, Serialize)]
struct OneShard<'a> {
    store: String,
    shard: Option<String>,
    state: &'static str,
    problem: Option<&'a str>,
    n_images: usize,
    n_done: usize,
    n_failed: usize,
    n_missing: usize,
    failed: Vec<Failed>,
    is_repeated: bool,
}

impl<'a> ShardsStatus<'a> {
    /// Describes the status of a run.
    #[must_use]
    pub fn new(status: &'a RunStatus, worded: Wording) -> Self {
        let sum = |count: fn(&ShardStatus) -> usize| status.counted().map(count).sum();
        let reasons = status.failed();
        Self {
            is_complete: status.is_complete(),
            n_images: sum(|shard| shard.images),
            n_done: sum(|shard| shard.done),
            n_failed: sum(ShardStatus::n_failed),
            n_missing: sum(ShardStatus::missing),
            failed: failed(reasons.into_iter(), worded),
            missing_shards: &status.absent,
            problems: &status.problems,
            note: status.note.as_deref(),
            shards: status
                .shards
                .iter()
                .map(|shard| OneShard::new(shard, worded))
                .collect(),
        }
    }
}

impl<'a> OneShard<'a> {
    fn new(shard: &'a ShardStatus, worded: Wording) -> Self {
        let problem = match &shard.state {
            ShardState::Unreadable(problem) => Some(problem.as_str()),
            ShardState::Finished
            | ShardState::Unfinished
            | ShardState::Missing
            | ShardState::Stray => None,
        };
        let reasons = shard.failed.iter().map(|(reason, n)| (reason.as_str(), *n));
        Self {
            store: to_text(&shard.store),
            shard: shard.shard.map(|shard| shard.to_string()),
            state: shard.state.name(),
            problem,
            n_images: shard.images,
            n_done: shard.done,
            n_failed: shard.n_failed(),
            n_missing: shard.missing(),
            failed: failed(reasons, worded),
            is_repeated: shard.is_repeated,
        }
    }
}

fn failed<'a>(reasons: impl Iterator<Item = (&'a str, usize)>, worded: Wording) -> Vec<Failed> {
    let failed = reasons.map(|(reason, n_images)| Failed {
        reason: worded(reason),
        n_images,
    });
    failed.collect()
}
