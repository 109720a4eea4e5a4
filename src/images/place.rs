//! Where the bytes of an image are: an image is bytes with a name, and a path is one way to get them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::container::Container;
use super::path_text;
use super::series::Series;
use super::stores::Object;
use crate::stamp::Stamp;

/// Where the bytes of an image are: in a file of its own, or in one with those of other images.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place(pub(super) Spot);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Spot {
    File(PathBuf),
    /// The bytes of a container from an offset, and their number.
    Range(Arc<Container>, u64, u64),
    /// The image of a series with this number.
    Item(Arc<Series>, u64),
    /// An object of a store. It is larger than the others, of which there may be millions.
    Object(Box<Object>),
}

impl Default for Place {
    fn default() -> Self {
        PathBuf::new().into()
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self(Spot::File(path))
    }
}

impl Place {
    /// Returns the place of an image in a container, whose bytes are stored as they are.
    pub(super) fn range(container: &Arc<Container>, offset: u64, length: u64) -> Self {
        Self(Spot::Range(Arc::clone(container), offset, length))
    }

    /// Returns the place of an image that is read in order.
    pub(super) fn item(series: &Arc<Series>, number: u64) -> Self {
        Self(Spot::Item(Arc::clone(series), number))
    }

    /// Returns the place of an object of a store.
    pub(super) fn object(object: Object) -> Self {
        Self(Spot::Object(Box::new(object)))
    }

    /// Returns the local file that has the bytes, alone or with those of other images.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Spot::File(path) => Some(path),
            Spot::Range(..) | Spot::Item(..) => self.container()?.path(),
            Spot::Object(_) => None,
        }
    }

    /// Returns the local file that the image is, alone.
    pub(crate) fn whole_file(&self) -> Option<&Path> {
        match &self.0 {
            Spot::File(path) => Some(path),
            Spot::Range(..) | Spot::Item(..) | Spot::Object(_) => None,
        }
    }

    /// Returns the text that leads to the image from the working directory, if its name does not.
    pub(super) fn address(&self) -> Option<String> {
        match &self.0 {
            Spot::File(path) if path.as_os_str().is_empty() => None,
            Spot::File(path) => Some(path_text::to_text(path)),
            Spot::Range(..) | Spot::Item(..) => None,
            Spot::Object(object) => Some(object.address()),
        }
    }

    /// Returns whether the bytes are read over a network.
    pub(crate) fn is_remote(&self) -> bool {
        let container = || self.container().and_then(Container::remote);
        matches!(self.0, Spot::Object(_)) || container().is_some()
    }

    /// Returns whether the image can only be read in order with others.
    #[cfg(feature = "report")]
    pub(crate) fn is_in_series(&self) -> bool {
        matches!(self.0, Spot::Item(..))
    }

    /// Returns the stamp of what has the bytes as far as it is known without asking a store.
    pub(crate) fn known_stamp(&self) -> Option<Stamp> {
        match &self.0 {
            Spot::Object(object) => object.known_stamp(),
            _ => self.stamp(),
        }
    }

    /// Returns the stamp of what has the bytes, which changes when they do; `None` if it cannot be accessed.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match &self.0 {
            Spot::File(path) => fs::metadata(path).map(|found| Stamp::of(&found)).ok(),
            Spot::Range(..) | Spot::Item(..) => self.container()?.stamp(),
            Spot::Object(object) => object.stamp(),
        }
    }

    /// Returns the number of bytes that reading the image takes, where it is known in advance.
    pub(crate) fn length(&self, stamp: Option<Stamp>) -> u64 {
        match &self.0 {
            Spot::Range(_, _, length) => *length,
            Spot::File(_) | Spot::Object(_) => stamp.map_or(0, |stamp| stamp.size),
            Spot::Item(..) => 0,
        }
    }

    /// Returns a text that identifies the place whatever the working directory is.
    pub(crate) fn key(&self) -> String {
        let within = |number| {
            let container = self.container().map(Container::key);
            format!("{}#{number}", container.unwrap_or_default())
        };
        match &self.0 {
            Spot::File(path) => path_text::absolute(path),
            Spot::Range(_, offset, _) => within(*offset),
            Spot::Item(_, number) => within(*number),
            Spot::Object(object) => object.address(),
        }
    }

    fn container(&self) -> Option<&Container> {
        match &self.0 {
            Spot::File(_) | Spot::Object(_) => None,
            Spot::Range(container, ..) => Some(container),
            Spot::Item(series, _) => Some(&series.container),
        }
    }
}
