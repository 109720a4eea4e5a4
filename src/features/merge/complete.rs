//! Checks that no shard is missing before stores are merged.

use std::collections::BTreeSet;

use super::report::MergeReport;
use super::sources::Source;
use crate::error::{FeaturesError, Result};
use crate::images::Shard;

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
    let shards = stores.filter_map(|(source, store)| Some((source, store.shard.as_ref()?.shard)));
    if let Some((first, shard)) = shards.clone().next() {
        if let Some((other, found)) = shards
            .clone()
            .find(|(_, other)| other.count() != shard.count())
        {
            return Err(FeaturesError::OtherShards {
                stores: [first.path.clone(), other.path.clone()],
                shards: [shard.to_string(), found.to_string()],
            }
            .into());
        }
        let found = shards.map(|(_, shard)| shard);
        report.absent = absent(shard.count(), found);
    }
    if partial || report.absent.is_empty() && report.unfinished.is_empty() {
        return Ok(());
    }
    Err(FeaturesError::Unfinished {
        stores: report.unfinished.clone(),
        absent: report.absent.clone(),
    }
    .into())
}

/// Lists the shards of a run that are not among those found.
pub(in crate::features) fn absent(count: u32, found: impl Iterator<Item = Shard>) -> Vec<String> {
    let found: BTreeSet<u32> = found.map(Shard::index).collect();
    let absent = (0..count).filter(|index| !found.contains(index));
    absent.map(|index| format!("{index}/{count}")).collect()
}
