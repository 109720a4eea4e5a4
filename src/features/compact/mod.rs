//! Compacts a store: its parts become a few large ones with the same features.
//!
//! Parts are replaced in groups, one group after the other. The new part of a group is written under a free
//! number, after all others, and checked before it appears; then the old parts are removed. So a reader finds
//! each image at any time, and some of them in two parts, of which it takes the first. A run that is killed
//! leaves the groups that are done, and at most one group twice, which the next run finds as duplicates.

mod kept;
mod plan;
mod report;

use std::fs;
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use arrow_schema::ArrowError;

pub use report::{CompactOptions, CompactReport};

use self::kept::Kept;
use self::plan::{Group, OldPart, Plan};
use super::content::Digest;
use super::manifest::StoreManifest;
use super::names::part_paths;
use super::part::{Layout, Part, PartWriter};
use super::store::size_of;
use super::writer::{Existing, StoreWriter};
use crate::error::{Error, Result, system_error};
use crate::outputs::Pending;
use crate::progress::{Progress, go_on};

/// Rewrites the parts of a store as few large ones. Features keep their bits, duplicates are dropped, and
/// parts of different devices or precisions are not mixed. Doing it twice changes nothing.
///
/// # Errors
/// [`FeaturesError`](crate::error::FeaturesError) if there is no store, or if images are pruned although no
/// run has listed any; [`Error::Locked`] if it is being written; [`Error::File`] for a damaged part; a full
/// disk, or a store that is read-only; [`Error::Interrupted`]. The store is complete in each case.
pub fn compact(options: &CompactOptions, progress: &dyn Progress) -> Result<CompactReport> {
    let (mut writer, mut kept, mut plan) = begin(options, Existing::Extend)?;
    if plan.duplicates > 0 {
        // Only one copy of these is kept, so it must be intact.
        drop((writer, kept));
        (writer, kept, plan) = begin(options, Existing::Verify)?;
    }
    let mut report = CompactReport {
        parts_before: writer.parts.len(),
        bytes_before: size_of(&options.store)?,
        ..CompactReport::default()
    };
    progress.begin("images", plan.n_moved() as u64);
    let mut groups = plan.groups.iter();
    let replaced = groups.try_for_each(|group| replace(&mut writer, group, &kept, progress));
    progress.end();
    replaced?;
    writer.refresh_positions();
    report.images = plan.images;
    report.duplicates = plan.duplicates;
    report.pruned = plan.pruned;
    report.written = plan
        .groups
        .iter()
        .filter(|group| group.images() > 0)
        .count();
    report.parts = part_paths(&options.store)?.len();
    report.bytes = size_of(&options.store)?;
    report.notes = writer.notes().to_vec();
    Ok(report)
}

/// Opens the store, and decides what becomes of its parts.
fn begin(options: &CompactOptions, existing: Existing) -> Result<(StoreWriter, Kept, Plan)> {
    let manifest = StoreManifest::read(&options.store)?;
    let writer = StoreWriter::open(&options.store, manifest, existing)?;
    if !writer.can_write() {
        let problem = ErrorKind::ReadOnlyFilesystem.into();
        return Err(Error::io("write", &options.store)(problem));
    }
    let kept = Kept::of(&writer, options.prune)?;
    let plan = Plan::of(&writer, &kept, options.part_bytes)?;
    Ok((writer, kept, plan))
}

/// Replaces the parts of a group by one.
fn replace(
    writer: &mut StoreWriter,
    group: &Group,
    kept: &Kept,
    progress: &dyn Progress,
) -> Result<()> {
    if group.images() > 0 {
        let store = writer.manifest.clone();
        let new = New::of(group, kept, &store, progress)?;
        writer.next_place(|path| new.write(path))?;
    }
    let mut parts = group.parts.iter();
    parts.try_for_each(|old| fs::remove_file(&old.path).map_err(Error::io("remove", &old.path)))
}

/// A part that replaces those of a group.
struct New<'a> {
    group: &'a Group,
    /// The manifest of the store.
    store: &'a StoreManifest,
    progress: &'a dyn Progress,
    digests: Vec<Digest>,
    /// Which images of each old part it has.
    images: Vec<Vec<Range<usize>>>,
}

impl<'a> New<'a> {
    fn of(
        group: &'a Group,
        kept: &Kept,
        store: &'a StoreManifest,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let mut digests = Vec::with_capacity(group.images());
        let mut images = Vec::new();
        for old in &group.parts {
            let found = Layout::read(&old.path, store)?.digests;
            let ranges = kept.kinds(old.part, &found).kept;
            let each = ranges.iter();
            each.for_each(|range| digests.extend_from_slice(&found[range.clone()]));
            images.push(ranges);
        }
        Ok(Self {
            group,
            store,
            progress,
            digests,
            images,
        })
    }

    /// Writes the part and checks it before it appears. Returns `None` if there is a file at `path`.
    fn write(&self, path: &Path) -> Result<Option<()>> {
        let told = Error::io("write", path);
        let mut pending = Pending::begin(path).map_err(Error::io("write", path))?;
        let failed = |error: ArrowError| Error::io("write", path)(system_error(error));
        let out = PartWriter::begin(&mut pending.out, &self.digests, &self.group.own);
        let mut out = out.map_err(failed)?;
        let mut written = 0;
        for (old, ranges) in self.group.parts.iter().zip(&self.images) {
            written += self.append(old, ranges, written, &mut out, path)?;
        }
        let (_, digits) = out.finish().map_err(failed)?;
        let sealed = pending.out.seek(SeekFrom::Start(digits.at));
        let sealed = sealed.and_then(|_| pending.out.write_all(digits.text.as_bytes()));
        let file = sealed.and_then(|()| pending.written()).map_err(told)?;
        if Part::check(file, path, self.store)?.layout.digests != self.digests {
            return Err(Error::io("write", path)(ErrorKind::InvalidData.into()));
        }
        Ok(pending.take_free_place()?.then_some(()))
    }

    /// Checks an old part, appends some of its images after those `written`, and returns their number.
    fn append(
        &self,
        old: &OldPart,
        ranges: &[Range<usize>],
        written: usize,
        out: &mut PartWriter<impl Write>,
        path: &Path,
    ) -> Result<usize> {
        let mut images = 0;
        let part = Part::read(&old.path, self.store)?;
        for range in ranges {
            go_on(self.progress)?;
            let planned = self.digests.get(written + images..).unwrap_or_default();
            let found = part.layout.digests.get(range.clone()).unwrap_or_default();
            if found.len() < range.len() || !planned.starts_with(found) {
                return Err(part.layout.changed());
            }
            part.each_piece(range, |piece| {
                out.append(piece).map_err(Error::io("write", path))
            })?;
            images += range.len();
        }
        self.progress.advance(images as u64);
        Ok(images)
    }
}
