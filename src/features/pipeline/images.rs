//! Where a run's images come from: all found beforehand, named one after the other, or given by the caller.

use std::io;
use std::path::{Path, PathBuf};
use std::slice::Iter;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use std::vec;

use crate::error::{Error, Result};
use crate::images::{Found, Image, Sample, listed};

/// The images of a run, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Images<'a> {
    /// They were all found before.
    Found(Iter<'a, Found>),
    /// Another thread names them one after the other, until it drops its end.
    Named(Receiver<io::Result<PathBuf>>),
    /// The caller has them.
    Given(vec::IntoIter<Image>),
}

/// What comes next of the images of a run.
#[derive(Debug)]
pub(in crate::features) enum Next {
    /// An image.
    Found(Found),
    /// Nothing yet.
    NotYet,
    /// No more images.
    End,
}

impl<'a> Images<'a> {
    /// All entries of a scan.
    #[must_use]
    pub fn of(entries: &'a [Found]) -> Self {
        Self::Found(entries.iter())
    }

    /// Returns the next image; waits for its name no longer than `patience`.
    ///
    /// # Errors
    /// A list that cannot be read on.
    pub(in crate::features) fn next(&mut self, patience: Duration) -> Result<Next> {
        let names = match self {
            Self::Found(entries) => {
                return Ok(entries.next().cloned().map_or(Next::End, Next::Found));
            }
            Self::Given(images) => return Ok(images.next().map_or(Next::End, given)),
            Self::Named(names) => names,
        };
        match names.recv_timeout(patience) {
            Ok(path) => {
                let path = path.map_err(Error::io("read", Path::new("standard input")))?;
                Ok(Next::Found(listed(path)))
            }
            Err(RecvTimeoutError::Timeout) => Ok(Next::NotYet),
            Err(RecvTimeoutError::Disconnected) => Ok(Next::End),
        }
    }

    /// How many there are, where that is known.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Found(entries) => Some(entries.len()),
            Self::Given(images) => Some(images.len()),
            Self::Named(_) => None,
        }
    }
}

fn given(image: Image) -> Next {
    Next::Found(match image {
        Image::File(path) => listed(path),
        image => Found::Given {
            sample: Sample::default(),
            image,
        },
    })
}
