//! Checks that no shard is missing before stores are merged.

use super::report::MergeReport;
use super::sources::Source;
use crate::error::{FeaturesError, Result};
use crate::features::one_run::OneRun;

/// Notes which shards are absent or unfinished.
///
/// # Errors
/// [`FeaturesError::OtherShards`] for shards of different runs; [`FeaturesError::Unfinished`] unless partial
/// results are wanted.
pub(super) fn check(sources: &[Source], partial: bool, report: &mut MergeReport) -> Result<()> {
    let stores = sources
        .iter()
        .filter_map(|source| Some((source, source.store.as_ref()?)));
    let unfinished = stores.clone().filter(|(_, store)| !store.is_finished);
    report.unfinished = unfinished.map(|(source, _)| source.path.clone()).collect();
    let run = OneRun::of(
        stores.filter_map(|(source, store)| Some((&*source.path, store.shard.as_ref()?))),
    );
    if let Some(problem) = run.problems.into_iter().next() {
        return Err(problem.into());
    }
    report.absent = run.absent;
    report.notes.extend(run.note);
    if partial || report.absent.is_empty() && report.unfinished.is_empty() {
        return Ok(());
    }
    Err(FeaturesError::Unfinished {
        stores: report.unfinished.clone(),
        absent: report.absent.clone(),
    }
    .into())
}
