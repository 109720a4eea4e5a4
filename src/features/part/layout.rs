//! The positions of a part's columns in its file, so that some rows can be read without the rest.

use std::fs::File;
use std::io::ErrorKind;
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

/// Features of some rows in one vector, in the precision of the store.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone)]
pub enum Numbers {
    /// 32 bits per value.
    F32(Vec<f32>),
    /// 16 bits per value.
    F16(Vec<f16>),
}

impl Numbers {
    /// Creates an empty vector of this precision.
    #[must_use]
    pub fn new(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32(Vec::new()),
            Dtype::F16 => Self::F16(Vec::new()),
        }
    }

    /// Removes all values, but keeps the allocated memory.
    pub fn clear(&mut self) {
        match self {
            Self::F32(numbers) => numbers.clear(),
            Self::F16(numbers) => numbers.clear(),
        }
    }

    /// Reserves memory for exactly `more` additional values.
    pub fn reserve(&mut self, more: usize) {
        match self {
            Self::F32(numbers) => numbers.reserve_exact(more),
            Self::F16(numbers) => numbers.reserve_exact(more),
        }
    }

    /// Converts all values to `f32`.
    #[must_use]
    pub fn widened(self) -> Vec<f32> {
        match self {
            Self::F32(numbers) => numbers,
            Self::F16(numbers) => numbers.into_iter().map(f16::to_f32).collect(),
        }
    }

    /// Appends the values in some bytes of a part.
    pub(in crate::features) fn extend(&mut self, bytes: &[u8]) {
        match self {
            Self::F32(to) => to.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
            Self::F16(to) => to.extend(bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b))),
        }
    }
}

/// Converts the values in some bytes of a part to `f32`.
pub(in crate::features) fn widen(bytes: &[u8], dtype: Dtype, to: &mut [f32]) {
    match dtype {
        Dtype::F32 => {
            let values = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
            to.iter_mut().zip(values).for_each(|(to, x)| *to = x);
        }
        Dtype::F16 => {
            let values = bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b));
            to.iter_mut()
                .zip(values)
                .for_each(|(to, x)| *to = x.to_f32());
        }
    }
}

/// Returns whether all values in some bytes of a part are finite.
///
/// A value is not finite if all bits of its exponent are set. The maximum of a whole block is compared, since
/// a loop that may end at each value is not vectorised.
pub(in crate::features) fn are_finite(bytes: &[u8], dtype: Dtype) -> bool {
    const BLOCK: usize = 4096;
    bytes.chunks(BLOCK).all(|block| match dtype {
        Dtype::F32 => {
            let bits = block.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b));
            bits.fold(0, |most, bits| most.max(bits & 0x7fff_ffff)) < f32::INFINITY.to_bits()
        }
        Dtype::F16 => {
            let bits = block.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b));
            bits.fold(0, |most, bits| most.max(bits & 0x7fff)) < f16::INFINITY.to_bits()
        }
    })
}

/// Divides a range of bytes into ranges of at most 1 MiB. All but the last hold whole values.
pub(super) fn pieces(range: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    const PIECE: u64 = 1 << 20;
    let end = range.end;
    let starts = (range.start..end).step_by(PIECE as usize);
    starts.map(move |start| start..end.min(start + PIECE))
}

/// A part's digests, and the position of its features.
#[derive(Debug)]
pub(in crate::features) struct Layout {
    path: PathBuf,
    /// The stamp of the file when the layout was read.
    stamp: Stamp,
    /// The file, if it is kept open.
    open: Option<File>,
    /// One digest for each image.
    pub(in crate::features) digests: Vec<Digest>,
    features: u64,
    /// Bytes per image, all views together.
    image: u64,
}

impl Layout {
    /// Reads the layout of a part of the store that `manifest` describes. The features are not read, so they
    /// are unchecked, unlike with the layout of a [`Part`](crate::features::part::Part).
    ///
    /// # Errors
    /// [`Error::File`] if the part is truncated, damaged, of another format, of a newer version or of another
    /// store; [`Error::Io`].
    pub(in crate::features) fn read(path: &Path, manifest: &StoreManifest) -> Result<Self> {
        let found = Self::find(path, manifest, |_, _| Ok(()));
        found.map(|(layout, ())| layout)
    }

    /// Reads the layout of a part, checks its views too, and returns whether it has a checksum.
    pub(in crate::features) fn read_with_views(
        path: &Path,
        manifest: &StoreManifest,
    ) -> Result<(Self, Seal)> {
        Self::find(path, manifest, |source, columns| {
            columns.check_views(source, manifest)?;
            Ok(columns.seal())
        })
    }

    /// Reads the layout of a part, and returns the manifest in it, with what computed the part.
    pub(in crate::features) fn read_with_own_manifest(
        path: &Path,
        manifest: &StoreManifest,
    ) -> Result<(Self, StoreManifest)> {
        Self::find(path, manifest, |_, columns| Ok(columns.own.clone()))
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

    /// Creates the layout from the columns of a part.
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
            open: None,
            digests: columns.digests(source, manifest)?,
            features: columns.features.start,
            image: (manifest.spec.views.len() * row) as u64,
        })
    }

    pub(super) fn without_digests(self, open: Option<File>) -> Self {
        Self {
            digests: Vec::new(),
            open,
            ..self
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the position of some images in the file, all views of each.
    pub(super) fn place(&self, images: &Range<usize>) -> Range<u64> {
        let at = |image: usize| self.features + self.image * image as u64;
        at(images.start)..at(images.end)
    }

    /// Reads the bytes of some images, all views of each.
    ///
    /// # Errors
    /// [`Error::File`] if the file has changed since the layout was read.
    pub(in crate::features) fn read_images(&self, images: Range<usize>) -> Result<Vec<u8>> {
        let read = || {
            let opened = match &self.open {
                Some(_) => None,
                None => match arrow_file::open(&self.path, LARGEST) {
                    // Compacting a store replaces its parts.
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                    opened => Some(opened?),
                },
            };
            let Some(file) = self.open.as_ref().or(opened.as_ref()) else {
                return Ok(None);
            };
            if without_changed(Stamp::of(&file.metadata()?)) != self.stamp {
                return Ok(None);
            }
            let bytes = Source::File(file).range(&self.place(&images))?;
            Ok(Some(bytes.into_owned()))
        };
        let bytes =
            read().map_err(|failure: Failure| failure.of(&self.path, FileKind::StorePart))?;
        bytes.ok_or_else(|| self.changed())
    }

    /// Returns the error for a part that was replaced while it was in use.
    pub(in crate::features) fn changed(&self) -> Error {
        Error::File {
            path: self.path.clone(),
            kind: FileKind::StorePart,
            problem: FileProblem::Changed("it has changed since it was checked"),
        }
    }
}

/// Clears the change time, because renaming a file or changing its mode does not change its features.
fn without_changed(stamp: Stamp) -> Stamp {
    Stamp {
        changed: 0,
        ..stamp
    }
}
