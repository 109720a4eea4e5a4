//! Reading files ahead of the threads that decode them, several at once.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::Timings;
use super::prepare::{Prepared, Preparer};
use crate::images::budget::Permit;
use crate::images::{FileBytes, Found, ReadFault, read_file};
use crate::stamp::Stamp;

/// Bytes of files that wait to be decoded, for each CPU.
pub(super) const AHEAD: u64 = 4 << 20;

/// Threads that read files, at least one for each CPU: a disk or a network answers several requests at once
/// sooner than one after the other.
pub(in crate::features) fn readers(cpus: usize) -> usize {
    (4 * cpus).min(64).max(cpus).max(1)
}

/// A file that has been read.
pub(super) struct ReadFile<'a> {
    pub(super) bytes: FileBytes<'a>,
    /// The stamp that it had before, if no later write can have left it.
    pub(super) stamp: Option<Stamp>,
    /// Its share of the memory for files that wait to be decoded.
    pub(super) waiting: Permit<'a>,
}

impl Preparer<'_> {
    /// Reads a file; or says at once what becomes of it.
    pub(super) fn read(&self, found: &Found) -> Result<ReadFile<'_>, Box<Prepared>> {
        let untimed = Timings::default();
        let sample = match found {
            Found::Sample(sample) => sample,
            Found::Skipped { reason, .. } => {
                return Err(Prepared::Skipped(reason.clone(), untimed).into());
            }
        };
        if let Some(seen) = self.recognised.get(&sample.path) {
            return Err(Prepared::Known(seen.picture(), untimed).into());
        }
        self.read_path(&sample.path).map_err(|fault| {
            Box::new(match fault {
                ReadFault::OfFile(reason) => Prepared::Skipped(reason, untimed),
                ReadFault::OfSystem(error) => Prepared::Failed(error),
            })
        })
    }

    fn read_path(&self, path: &Path) -> Result<ReadFile<'_>, ReadFault> {
        let _reading = self.meter.reading();
        let stamp = fs::metadata(path).map(|metadata| Stamp::of(&metadata)).ok();
        let waiting = self.ahead.reserve_file(stamp.map_or(0, |stamp| stamp.size));
        let stamp = stamp.filter(|stamp| stamp.is_settled(SystemTime::now()));
        let bytes = read_file(path, &self.decoding.limits, &self.budget)?;
        Ok(ReadFile {
            bytes,
            stamp,
            waiting,
        })
    }
}
