//! A file of a run that is written row by row, and takes the place of that of the last run if it differs.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};

use super::arrow_file::{self, Digits, Failure, SealedWriter};
use crate::error::{Error, Result, system_error};
use crate::outputs::Pending;

/// Rows of a record batch.
const BATCH: usize = 8192;

/// A file with a row of type `T` for each image.
pub(super) struct Ledger<T> {
    path: PathBuf,
    to_batch: fn(&[T]) -> Result<RecordBatch, ArrowError>,
    /// The rows of the next batch.
    rows: Vec<T>,
    out: SealedWriter<Out>,
}

/// Where the bytes go.
enum Out {
    File(Box<Pending>),
    /// Nowhere, since the store is read-only, or since writing failed with this error. The checksum is
    /// computed all the same: a file that has not changed need not be written.
    Nowhere(Option<io::Error>),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Nowhere(_) => Ok(bytes.len()),
            Self::File(file) => file.out.write(bytes).or_else(|error| {
                *self = Self::Nowhere(Some(error));
                Ok(bytes.len())
            }),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T> Ledger<T> {
    /// Begins the file at `path`. Nothing is there before the file is complete.
    pub(super) fn begin(
        path: PathBuf,
        schema: &Schema,
        to_batch: fn(&[T]) -> Result<RecordBatch, ArrowError>,
        can_write: bool,
    ) -> Result<Self> {
        let out = match can_write.then(|| Pending::begin(&path)) {
            Some(Ok(pending)) => Out::File(Box::new(pending)),
            Some(Err(error)) => Out::Nowhere(Some(error)),
            None => Out::Nowhere(None),
        };
        Ok(Self {
            out: SealedWriter::new(out, schema).map_err(|error| failed(error, &path))?,
            path,
            to_batch,
            rows: Vec::new(),
        })
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: T) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() < BATCH {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        let batch = (self.to_batch)(&self.rows).and_then(|batch| self.out.write(&batch));
        self.rows.clear();
        batch.map_err(|error| failed(error, &self.path))
    }

    /// Completes the file.
    pub(super) fn complete(mut self) -> Result<Complete> {
        if !self.rows.is_empty() {
            self.write()?;
        }
        let path = self.path;
        let finished = self.out.finish();
        let (out, digits) = finished.map_err(|error| failed(error, &path))?;
        Ok(Complete { path, out, digits })
    }
}

/// A complete file that is not at its place yet.
pub(super) struct Complete {
    path: PathBuf,
    out: Out,
    digits: Digits,
}

impl Complete {
    /// Returns whether the file at its place, of at most `limit` bytes, has the same content.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be read or is damaged.
    pub(super) fn is_there(&self, limit: u64) -> Result<bool, Failure> {
        let found = arrow_file::checksum(&self.path, limit)?;
        Ok(found.as_ref() == Some(&self.digits.text))
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn take_place(self) -> Result<()> {
        let told = Error::io("write", &self.path);
        let placed = match self.out {
            Out::File(file) => seal(*file, &self.digits),
            Out::Nowhere(Some(error)) => Err(error),
            // Reports why the store cannot be written.
            Out::Nowhere(None) => Pending::begin(&self.path).map(drop),
        };
        placed.map_err(told)
    }
}

/// Writes the checksum, and moves the file to its place.
fn seal(mut file: Pending, digits: &Digits) -> io::Result<()> {
    file.out.seek(SeekFrom::Start(digits.at))?;
    file.out.write_all(digits.text.as_bytes())?;
    file.take_place()
}

fn failed(error: ArrowError, path: &Path) -> Error {
    Error::io("write", path)(system_error(error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::features::index::{self, IndexRow};

    fn write(store: &Path, n: usize) -> Complete {
        let mut ledger = index::ledger(store, true).unwrap();
        for number in 0..n {
            let row = IndexRow {
                path: format!("{number}.png"),
                class: None,
                content: Err("it is empty".to_owned()),
            };
            ledger.push(row).unwrap();
        }
        ledger.complete().unwrap()
    }

    /// A full disk is an error only for a file that has changed.
    #[test]
    fn what_has_not_changed_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path();
        write(store, 20_000).take_place().unwrap();
        let path = store.join(crate::features::names::INDEX);
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        for (n, is_there) in [(20_000, true), (20_001, false)] {
            let mut complete = write(store, n);
            complete.out = Out::Nowhere(Some(io::ErrorKind::StorageFull.into()));
            assert_eq!(complete.is_there(index::LARGEST).unwrap(), is_there);
            let error = complete.take_place().unwrap_err();
            assert!(
                matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
            );
        }
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    }
}
