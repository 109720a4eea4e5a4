//! The images of a run: all found in advance, named one at a time, or passed by the caller.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use std::vec;

use crate::error::{Error, Result};
use crate::features::content::Picture;
use crate::features::recognition::Recognised;
use crate::images::{Entries, Found, Image, Sample, listed};

/// The images of a run, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Images<'a> {
    /// Images that were found in advance.
    Found {
        /// The images.
        entries: &'a Entries,
        /// The number of the next one.
        next: usize,
        /// Those whose features are known.
        recognised: Recognised,
    },
    /// Images that another thread names one at a time, until it drops the sender.
    Named(Receiver<io::Result<PathBuf>>),
    /// Images that the caller passed.
    Given(vec::IntoIter<Image>),
    /// Images that another thread passes in groups, until it drops the sender.
    Arriving(Receiver<Later>),
}

/// An image that is copied out of its batch when its turn comes.
pub type Later = Box<dyn FnOnce() -> Image + Send>;

/// How long an image waits for others to fill its batch if images are named one at a time.
const MOMENT: Duration = Duration::from_millis(50);
/// The same for images that arrive in groups: a group has ended if nothing follows at once.
const GROUP_ENDED: Duration = Duration::from_millis(2);

/// The next of the images of a run.
#[derive(Debug)]
pub(in crate::features) enum Next {
    /// An image, and its content if its features are known.
    Found(Found, Option<Picture>),
    /// No image within the given time.
    NotYet,
    /// No more images.
    End,
}

impl<'a> Images<'a> {
    /// Uses all entries of a scan.
    #[must_use]
    pub fn of(entries: &'a Entries) -> Self {
        Self::recognised(entries, Recognised::default())
    }

    /// Uses all entries of a scan, some of which are recognised.
    #[must_use]
    pub(crate) fn recognised(entries: &'a Entries, recognised: Recognised) -> Self {
        Self::Found {
            entries,
            next: 0,
            recognised,
        }
    }

    /// Returns the next image. Waits for its name no longer than `patience`.
    ///
    /// # Errors
    /// If the list of names cannot be read further.
    pub(in crate::features) fn next(&mut self, patience: Duration) -> Result<Next> {
        let names = match self {
            Self::Found {
                entries,
                next,
                recognised,
            } => {
                let number = *next;
                *next += 1;
                let known = recognised.picture(number);
                return Ok(match entries.get(number) {
                    Some(found) => Next::Found(found, known),
                    None => Next::End,
                });
            }
            Self::Given(images) => return Ok(images.next().map_or(Next::End, given)),
            Self::Arriving(images) => {
                return Ok(match images.recv_timeout(patience) {
                    Ok(image) => given(image()),
                    Err(RecvTimeoutError::Timeout) => Next::NotYet,
                    Err(RecvTimeoutError::Disconnected) => Next::End,
                });
            }
            Self::Named(names) => names,
        };
        match names.recv_timeout(patience) {
            Ok(path) => {
                let path = path.map_err(Error::io("read", Path::new("standard input")))?;
                Ok(Next::Found(listed(path), None))
            }
            Err(RecvTimeoutError::Timeout) => Ok(Next::NotYet),
            Err(RecvTimeoutError::Disconnected) => Ok(Next::End),
        }
    }

    /// Returns the images that were found in advance.
    pub(in crate::features) fn entries(&self) -> Option<&'a Entries> {
        match self {
            Self::Found { entries, .. } => Some(entries),
            Self::Named(_) | Self::Given(_) | Self::Arriving(_) => None,
        }
    }

    /// Returns whether any image that was found in advance is read over a network.
    pub(super) fn is_remote(&self) -> bool {
        self.entries().is_some_and(Entries::are_remote)
    }

    /// Returns the number of images, if known.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Found { entries, next, .. } => Some(entries.len().saturating_sub(*next)),
            Self::Given(images) => Some(images.len()),
            Self::Named(_) | Self::Arriving(_) => None,
        }
    }

    /// Returns how long an image waits for others to fill its batch; without work, nothing waits for the next
    /// image.
    pub(super) fn moment(&self, has_work: bool) -> Duration {
        match self {
            Self::Arriving(_) if has_work => GROUP_ENDED,
            _ => MOMENT,
        }
    }
}

fn given(image: Image) -> Next {
    let found = match image {
        Image::File(path) => listed(path),
        image => Found::Given {
            sample: Sample::default(),
            image,
        },
    };
    Next::Found(found, None)
}
