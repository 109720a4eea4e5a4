//! Where a run's images come from: all known beforehand, or named one after the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::images::{Found, listed};

/// Gives a run its images, in order.
pub trait Source {
    /// The next image; waits for it no longer than `patience`.
    ///
    /// # Errors
    /// A list that cannot be read on.
    fn next(&mut self, patience: Duration) -> Result<Next>;

    /// How many there are, where that is known.
    fn count(&self) -> Option<usize>;
}

/// What a source has.
#[derive(Debug)]
pub enum Next {
    /// An image.
    Found(Found),
    /// Nothing yet.
    NotYet,
    /// No more images.
    End,
}

/// Images that are all known.
#[derive(Debug)]
pub struct All<'a> {
    entries: std::slice::Iter<'a, Found>,
    count: usize,
}

impl<'a> All<'a> {
    /// All entries of a scan.
    #[must_use]
    pub fn of(entries: &'a [Found]) -> Self {
        Self {
            entries: entries.iter(),
            count: entries.len(),
        }
    }
}

impl Source for All<'_> {
    fn next(&mut self, _patience: Duration) -> Result<Next> {
        Ok(self.entries.next().cloned().map_or(Next::End, Next::Found))
    }

    fn count(&self) -> Option<usize> {
        Some(self.count)
    }
}

/// Files that another thread names one after the other, until it drops its end.
#[derive(Debug)]
pub struct Named(pub Receiver<io::Result<PathBuf>>);

impl Source for Named {
    fn next(&mut self, patience: Duration) -> Result<Next> {
        match self.0.recv_timeout(patience) {
            Ok(path) => {
                let path = path.map_err(Error::io("read", Path::new("standard input")))?;
                Ok(Next::Found(listed(path)))
            }
            Err(RecvTimeoutError::Timeout) => Ok(Next::NotYet),
            Err(RecvTimeoutError::Disconnected) => Ok(Next::End),
        }
    }

    fn count(&self) -> Option<usize> {
        None
    }
}
