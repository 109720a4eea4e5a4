//! Files and objects that have the bytes of many images: tar archives and tables.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fault::ReadFault;
use super::stores::{self, Object, ObjectReader};
use super::{SkipReason, path_text};
use crate::error::{Error, is_of_system};
use crate::inputs::{self, Links};
use crate::stamp::Stamp;

/// A file that has the bytes of many images, as it was when they were listed.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Container {
    location: Location,
    stamp: Stamp,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Location {
    File(PathBuf),
    Object(Object),
}

/// The cause of an [`io::Error`] for a container that was written after its images were listed.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` changed after its images were listed")]
struct Changed(String);

impl Container {
    /// Describes a local file as it is now.
    ///
    /// # Errors
    /// The system's error.
    pub(super) fn file(path: &Path) -> io::Result<Arc<Self>> {
        let stamp = Stamp::of(&fs::metadata(path)?);
        Ok(Arc::new(Self {
            location: Location::File(path.to_owned()),
            stamp,
        }))
    }

    /// Describes an object of a store that was listed.
    pub(super) fn object(object: Object) -> Arc<Self> {
        Arc::new(Self {
            stamp: object.known_stamp().unwrap_or_default(),
            location: Location::Object(object),
        })
    }

    /// Opens it, unless it has changed since its images were listed.
    ///
    /// # Errors
    /// The system's error; one that names the container if it has changed.
    pub(super) fn open(&self) -> io::Result<Contents> {
        let path = match &self.location {
            Location::File(path) => path,
            Location::Object(object) => {
                let reader = ObjectReader::new(object, self.length());
                return Ok(Contents::Object(Box::new(reader)));
            }
        };
        let file = inputs::open(path, Links::Follow)?;
        if Stamp::of(&file.metadata()?) == self.stamp {
            Ok(Contents::File(file))
        } else {
            Err(io::Error::other(Changed(self.name())))
        }
    }

    /// Opens it as [`Self::open`] does.
    ///
    /// # Errors
    /// The reason to skip its images, or the system's or store's error.
    pub(super) fn opened(&self) -> Result<Contents, ReadFault> {
        self.open().map_err(|error| {
            if let Some(reason) = changed(&error) {
                return reason.into();
            }
            match stores::refusal(&error) {
                Some(refused) => ReadFault::OfSystem(refused.into()),
                None if is_of_system(&error) => {
                    ReadFault::OfSystem(Error::io("read", Path::new(&self.name()))(error))
                }
                None => SkipReason::Unreadable(error.to_string()).into(),
            }
        })
    }

    /// Returns its path as it was passed, as text, or its URL.
    pub(super) fn name(&self) -> String {
        match &self.location {
            Location::File(path) => path_text::to_text(path),
            Location::Object(object) => object.address(),
        }
    }

    /// Returns its path, if it is a local file.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.location {
            Location::File(path) => Some(path),
            Location::Object(_) => None,
        }
    }

    /// Returns the object that it is, unless it is a local file.
    pub(super) fn remote(&self) -> Option<&Object> {
        match &self.location {
            Location::File(_) => None,
            Location::Object(object) => Some(object),
        }
    }

    /// Returns its length, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.stamp.size
    }

    /// Returns the stamp that it has now.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        match &self.location {
            Location::File(path) => fs::metadata(path).map(|found| Stamp::of(&found)).ok(),
            Location::Object(_) => Some(self.stamp),
        }
    }

    /// Returns a text that identifies it whatever the working directory is.
    pub(super) fn key(&self) -> String {
        match &self.location {
            Location::File(path) => path_text::absolute(path),
            Location::Object(object) => object.address(),
        }
    }
}

/// The bytes of an open container.
#[derive(Debug)]
pub(super) enum Contents {
    File(File),
    Object(Box<ObjectReader>),
}

impl Contents {
    /// Reads exactly these bytes.
    pub(super) fn range(&mut self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(start))?;
        self.read_exact(bytes)
    }
}

impl Read for Contents {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Object(object) => object.read(buffer),
        }
    }
}

impl Seek for Contents {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(position),
            Self::Object(object) => object.seek(position),
        }
    }
}

/// Returns why an image of a container cannot be used that has changed, if that is why `error` occurred.
pub(super) fn changed(error: &io::Error) -> Option<SkipReason> {
    let changed = error.get_ref()?.downcast_ref::<Changed>()?;
    Some(SkipReason::Unreadable(changed.to_string()))
}
