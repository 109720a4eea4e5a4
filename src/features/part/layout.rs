//! Where the columns of a part lie in its file, so that some rows can be read without the rest.

use std::ops::Range;
use std::path::{Path, PathBuf};

use half::f16;

use super::columns::{Columns, LARGEST};
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::features::arrow_file::{self, Failure, Seal, Source};
use crate::features::content::Digest;
use crate::features::dtype::Dtype;
use crate::features::manifest::StoreManifest;
use crate::stamp::Stamp;

/// Features of some rows, one row after the other, in the precision of the store.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone)]
pub enum Numbers {
    /// 32 bits each.
    F32(Vec<f32>),
    /// 16 bits each.
    F16(Vec<f16>),
}

impl Numbers {
    /// None yet.
    #[must_use]
    pub fn new(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32(Vec::new()),
            Dtype::F16 => Self::F16(Vec::new()),
        }
    }

    /// Throws them away, and keeps the room.
    pub fn clear(&mut self) {
        match self {
            Self::F32(numbers) => numbers.clear(),
            Self::F16(numbers) => numbers.clear(),
        }
    }

    /// Makes room for so many more, and no larger one.
    pub fn reserve(&mut self, more: usize) {
        match self {
            Self::F32(numbers) => numbers.reserve_exact(more),
            Self::F16(numbers) => numbers.reserve_exact(more),
        }
    }

    /// All of them in 32 bits.
    #[must_use]
    pub fn widened(self) -> Vec<f32> {
        match self {
            Self::F32(numbers) => numbers,
            Self::F16(numbers) => numbers.into_iter().map(f16::to_f32).collect(),
        }
    }

    /// Adds those that some bytes of a part are.
    pub(in crate::features) fn extend(&mut self, bytes: &[u8]) {
        match self {
            Self::F32(to) => to.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
            Self::F16(to) => to.extend(bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b))),
        }
    }
}

/// Whether none of the numbers that some bytes of a part are is infinite or NaN.
pub(in crate::features) fn are_finite(bytes: &[u8], dtype: Dtype) -> bool {
    match dtype {
        Dtype::F32 => {
            let mut numbers = bytes.as_chunks().0.iter();
            numbers.all(|b| f32::from_le_bytes(*b).is_finite())
        }
        Dtype::F16 => {
            let mut numbers = bytes.as_chunks().0.iter();
            numbers.all(|b| f16::from_le_bytes(*b).is_finite())
        }
    }
}

/// A part's digests, and where its features begin.
#[derive(Debug)]
pub(in crate::features) struct Layout {
    path: PathBuf,
    /// Of the file in which they were found.
    stamp: Stamp,
    /// One for each image.
    pub(in crate::features) digests: Vec<Digest>,
    features: u64,
    /// Bytes of all views of an image.
    image: u64,
}

impl Layout {
    /// Finds the images of a part of the store that `manifest` describes. Of its features nothing is read:
    /// only those of a layout out of a [`Part`](crate::features::part::Part) have been checked.
    ///
    /// # Errors
    /// [`Error::File`]: cut, foreign, newer, damaged or of another store; [`Error::Io`].
    pub(in crate::features) fn read(path: &Path, manifest: &StoreManifest) -> Result<Self> {
        let found = Self::find(path, manifest, |_, _| Ok(()));
        found.map(|(layout, ())| layout)
    }

    /// The same, the views checked too, and whether the part has a checksum.
    pub(in crate::features) fn read_with_views(
        path: &Path,
        manifest: &StoreManifest,
    ) -> Result<(Self, Seal)> {
        Self::find(path, manifest, |source, columns| {
            columns.check_views(source, manifest)?;
            Ok(columns.seal())
        })
    }

    fn find<T>(
        path: &Path,
        manifest: &StoreManifest,
        check: impl FnOnce(Source<'_>, &Columns) -> Result<T, Failure>,
    ) -> Result<(Self, T)> {
        let find = || {
            let file = arrow_file::open(path, LARGEST)?;
            let source = Source::File(&file);
            let columns = Columns::find(source, manifest)?;
            let checked = check(source, &columns)?;
            let stamp = Stamp::of(&file.metadata()?);
            let layout = Self::of(path, stamp, source, &columns, manifest)?;
            Ok((layout, checked))
        };
        find().map_err(|failure: Failure| failure.of(path, FileKind::StorePart))
    }

    /// Of columns that were found.
    pub(in crate::features) fn of(
        path: &Path,
        stamp: Stamp,
        source: Source<'_>,
        columns: &Columns,
        manifest: &StoreManifest,
    ) -> Result<Self, Failure> {
        let row = manifest.spec.backbone.num_features * manifest.dtype.bytes();
        Ok(Self {
            path: path.to_owned(),
            stamp: without_changed(stamp),
            digests: columns.digests(source, manifest)?,
            features: columns.features.start,
            image: (manifest.spec.views.len() * row) as u64,
        })
    }

    /// The same where the digests are kept elsewhere.
    pub(in crate::features) fn without_digests(self) -> Self {
        Self {
            digests: Vec::new(),
            ..self
        }
    }

    /// The bytes of some images, all views of each.
    ///
    /// # Errors
    /// [`Error::File`] where the file is no longer the one in which they were found.
    pub(in crate::features) fn read_images(&self, images: Range<usize>) -> Result<Vec<u8>> {
        let at = |image: usize| self.features + self.image * image as u64;
        let read = || {
            let file = arrow_file::open(&self.path, LARGEST)?;
            if without_changed(Stamp::of(&file.metadata()?)) != self.stamp {
                return Ok(None);
            }
            let bytes = Source::File(&file).range(&(at(images.start)..at(images.end)))?;
            Ok(Some(bytes.into_owned()))
        };
        let bytes =
            read().map_err(|failure: Failure| failure.of(&self.path, FileKind::StorePart))?;
        bytes.ok_or_else(|| self.changed())
    }

    /// The error for a part that was replaced while it is in use.
    pub(in crate::features) fn changed(&self) -> Error {
        Error::File {
            path: self.path.clone(),
            kind: FileKind::StorePart,
            problem: FileProblem::Changed("it has changed since it was checked"),
        }
    }
}

/// A new name or another mode changes no features.
fn without_changed(stamp: Stamp) -> Stamp {
    Stamp {
        changed: 0,
        ..stamp
    }
}
