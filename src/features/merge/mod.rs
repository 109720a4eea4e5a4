//! Merges stores, such as the shards of a run, and tables of features into one store.
//!
//! Parts become hard links or copies; none is rewritten. The index lists the images of all sources, sorted as
//! a scan sorts them. A new store is made in a temporary folder and renamed when it is complete. An existing
//! store gets the parts first and the index last, so a killed merge leaves the old index.

mod columns;
mod complete;
#[doc(hidden)]
pub(super) mod fuzz;
mod parts;
mod report;
mod rows;
mod sources;
mod stamps;
mod table;
mod target;

pub use report::{MergeOptions, MergeReport};
pub(super) use sources::refuse_differences;

use std::mem;

use self::rows::MergedRows;
use self::sources::Source;
use self::target::{Target, told};
use super::names::with_parts;
use super::record::RunRecord;
use super::store::incomplete;
use crate::error::{Error, FeaturesError, Result};
use crate::outputs;
use crate::progress::{Progress, go_on};

/// Merges stores and tables of features into one store. Doing it twice changes nothing.
///
/// # Errors
/// [`FeaturesError`] if the sources have different manifests, if a shard is
/// missing, unfinished or of another run, or if they contradict each other: two contents or classes of one
/// path, or features of one image with a cosine below 0.9999; a source that is damaged, an output that holds
/// something else or is being written; a full disk; [`Error::Interrupted`]. A new
/// store does not exist then, and an existing one has its old index.
pub fn merge(options: &MergeOptions, progress: &dyn Progress) -> Result<MergeReport> {
    let mut report = MergeReport {
        lowest_cosine: 1.0,
        ..MergeReport::default()
    };
    let mut sources = Vec::new();
    for path in &options.sources {
        match Source::open(path) {
            Err(Error::Features(FeaturesError::Missing { .. })) if options.partial => {
                report.missing.push(path.clone());
            }
            opened => sources.push(opened?),
        }
    }
    let manifest = sources::agreed(&sources)?;
    complete::check(&sources, options.partial, &mut report)?;
    // Two mergers into the same new store wait for each other.
    let _lock = outputs::lock_folder_of(&options.output)?;
    let mut target = Target::open(&options.output, manifest, options.partial)?;
    if target.is_unfinished {
        report.unfinished.push(options.output.clone());
    }
    let merged = fill(&mut target, &sources, &mut report, progress)
        .and_then(|rows| record(&target, &rows, &mut report));
    let record = merged.map_err(|error| told(error, &target.writer.path, &options.output))?;
    report.notes.extend(target.finish(record, &sources)?);
    Ok(report)
}

/// Writes the index of all sources.
fn record(target: &Target, rows: &MergedRows, report: &mut MergeReport) -> Result<RunRecord> {
    let mut record = RunRecord::begin(&target.writer)?;
    let directory = target.writer.directory();
    let mut seen = vec![false; directory.len()];
    let counted = rows.each_sorted(|row| {
        match &row.content {
            Ok(content) => {
                report.images += 1;
                let number = directory.number(&content.digest);
                let seen = number.and_then(|number| seen.get_mut(number as usize));
                report.duplicates += usize::from(seen.is_some_and(|seen| mem::replace(seen, true)));
            }
            Err(reason) => report.skipped.push((row.path.clone(), reason.clone())),
        }
        record.add(row)
    })?;
    (report.kept, report.repeated) = (counted.only_first, counted.repeated);
    Ok(record)
}

/// Adds the features of all sources, and returns their rows.
fn fill(
    target: &mut Target,
    sources: &[Source],
    report: &mut MergeReport,
    progress: &dyn Progress,
) -> Result<MergedRows> {
    let before = target.writer.count();
    let mut rows = MergedRows::default();
    rows.add_store(&target.writer.path, &target.output, |_| {})?;
    let manifest = target.writer.manifest.clone();
    let mut adding = parts::Adding::new(&mut target.writer, report);
    let mut notes = Vec::new();
    let total = sources.iter().map(|source| source.files.len() as u64).sum();
    progress.begin("files", total);
    let added = sources.iter().try_for_each(|source| match &source.store {
        // Parts that are replaced meanwhile are in others, which are compared then.
        Some(_) => with_parts(&source.path, |parts| {
            parts.iter().try_for_each(|part| -> Result<()> {
                go_on(progress)?;
                adding.begin(part);
                adding.part(part, &source.path)?;
                progress.advance(1);
                Ok(())
            })
        }),
        None => source.files.iter().try_for_each(|file| -> Result<()> {
            adding.begin(file);
            notes.extend(table::each(file, &manifest, |row, features| {
                go_on(progress)?;
                adding.row(file, &row, &features)?;
                rows.add(row, file, &source.path);
                Ok(())
            })?);
            progress.advance(1);
            Ok(())
        }),
    });
    progress.end();
    added?;
    target.writer.flush()?;
    for source in sources {
        if source.store.is_none() {
            continue;
        }
        let mut missing = 0;
        rows.add_store(&source.path, &source.path, |digest| {
            missing += usize::from(!target.writer.knows(digest));
        })?;
        if missing > 0 {
            return Err(incomplete(&source.path, missing));
        }
    }
    report.notes.extend(notes);
    report.added = target.writer.count() - before;
    Ok(rows)
}
