//! `part-NNNNN.arrow`: the features of some images. A part is never modified.
//!
//! # Format
//! An Arrow file (see [`super::arrow_file`]) of one record batch with these columns:
//! - `digest` FixedSizeBinary(32): BLAKE3 of the image's bytes
//! - `view` Utf8
//! - `features` FixedSizeList<Float32 or Float16, D>
//!
//! There is one row for each view of each image; the rows of an image are consecutive and in the order of the
//! manifest's views. No value is null, NaN or infinite. The schema's metadata contains `format_version` and
//! `manifest`: the store's manifest as JSON, with the engine that computed this part.
//!
//! [`Extract`](crate::tasks::extract()) writes parts of 16 MiB of features, and
//! [`compact`](fn@crate::features::compact) files of up to 1 GiB.
//!
//! The checksum of the entire file is checked before its features are used. Parts of version 1 have no
//! checksum; the next run that writes to their store adds it (see [`adopt`]) without recomputing anything.

mod columns;
mod layout;
mod written;

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float16Array, Float32Array, RecordBatch,
    StringArray,
};
use arrow_schema::{ArrowError, Field, Schema};
use half::f16;

pub(super) use columns::carried;
use columns::{Columns, LARGEST, schema};
pub(super) use layout::Layout;
pub use layout::Numbers;
use layout::{are_finite, pieces, widen};
pub(super) use written::{PartWriter, bytes_per_image};

use super::arrow_file::{self, Failure, Seal, Source};
use super::content::Digest;
use super::dtype::Dtype;
use super::manifest::StoreManifest;
use crate::error::{FileKind, FileProblem, Result};
use crate::inputs;
use crate::stamp::Stamp;

/// Images of a part: the digests (N), and the features (N · V, D) in one vector, with V views per image.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) digests: Vec<Digest>,
    pub(super) features: Vec<f32>,
}

/// Writes a part.
pub(super) fn write(path: &Path, rows: Rows, manifest: &StoreManifest) -> Result<()> {
    arrow_file::write(path, bytes(rows, manifest))
}

/// Serialises a part as the content of its file.
pub(super) fn bytes(rows: Rows, manifest: &StoreManifest) -> Result<Vec<u8>, ArrowError> {
    let schema = schema(manifest)?;
    let batch = record_batch(rows, manifest, &schema);
    arrow_file::sealed(&schema, [batch])
}

fn record_batch(
    rows: Rows,
    manifest: &StoreManifest,
    schema: &Schema,
) -> Result<RecordBatch, ArrowError> {
    let views = &manifest.spec.views;
    let each = rows
        .digests
        .iter()
        .flat_map(|digest| views.iter().map(move |view| (digest, view)));
    let digests = FixedSizeBinaryArray::try_from_iter(each.clone().map(|(digest, _)| digest.0))?;
    let views = StringArray::from_iter_values(each.map(|(_, view)| view.to_string()));
    let values: ArrayRef = match manifest.dtype {
        Dtype::F32 => Arc::new(Float32Array::from(rows.features)),
        Dtype::F16 => Arc::new(
            rows.features
                .into_iter()
                .map(f16::from_f32)
                .map(Some)
                .collect::<Float16Array>(),
        ),
    };
    let item = Arc::new(Field::new("item", values.data_type().clone(), false));
    let width = manifest.spec.backbone.num_features as i32;
    let features = FixedSizeListArray::try_new(item, width, values, None)?;
    RecordBatch::try_new(
        Arc::new(schema.clone()),
        vec![Arc::new(digests), Arc::new(views), Arc::new(features)],
    )
}

/// The largest file that is held in memory. Those of a compacted store are larger: they are read once to
/// check them, and then as ranges.
const IN_MEMORY: u64 = 64 << 20;

/// A checked part: its checksum is correct if it has one, its columns match its store, and its features are
/// finite.
#[derive(Debug)]
pub(super) struct Part {
    /// The positions of its images' features in the file.
    pub(super) layout: Layout,
    bytes: Bytes,
    columns: Columns,
}

/// How many parts a reader keeps open: half of what the strictest system permits.
pub(super) const KEPT_OPEN: usize = 128;

/// The bytes of a part.
#[derive(Debug)]
enum Bytes {
    /// All of them, with the file that they were read from.
    InMemory(Vec<u8>, Option<File>),
    InFile(File),
}

impl Bytes {
    /// Opens a part, and returns the stamp of the file.
    fn open(path: &Path) -> Result<(Self, Stamp), Failure> {
        let file = arrow_file::open(path, LARGEST)?;
        let found = file.metadata()?;
        let stamp = Stamp::of(&found);
        if found.len() > IN_MEMORY {
            return Ok((Self::InFile(file), stamp));
        }
        let bytes = inputs::read_all(file.try_clone()?, LARGEST)?;
        Ok((Self::InMemory(bytes, Some(file)), stamp))
    }

    /// Returns the bytes to read after the checksum was verified.
    fn checked(&self) -> Source<'_> {
        match self {
            Self::InMemory(bytes, _) => Source::Bytes(bytes),
            Self::InFile(file) => Source::File(file),
        }
    }

    /// Returns the bytes to read and to verify the checksum of.
    fn unchecked(&self) -> Source<'_> {
        match self {
            Self::InMemory(bytes, _) => Source::Bytes(bytes),
            Self::InFile(file) => Source::Checked(file),
        }
    }
}

impl Part {
    /// Reads a part of the store that `manifest` describes.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) if it is truncated, damaged, of another format, of a newer
    /// version or of another store; [`Error::Io`](crate::error::Error::Io).
    pub(super) fn read(path: &Path, manifest: &StoreManifest) -> Result<Self> {
        let read =
            Bytes::open(path).and_then(|(bytes, stamp)| Self::of(bytes, path, stamp, manifest));
        read.map_err(|failure| failure.of(path, FileKind::StorePart))
    }

    /// Checks a part that was written, before it appears at `path`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn check(file: &File, path: &Path, manifest: &StoreManifest) -> Result<Self> {
        let check = || {
            let stamp = Stamp::of(&file.metadata()?);
            Self::of(Bytes::InFile(file.try_clone()?), path, stamp, manifest)
        };
        check().map_err(|failure: Failure| failure.of(path, FileKind::StorePart))
    }

    /// Checks a part whose bytes were read from the file with this stamp.
    pub(super) fn of_bytes(
        bytes: Vec<u8>,
        path: &Path,
        stamp: Stamp,
        manifest: &StoreManifest,
    ) -> Result<Self, Failure> {
        Self::of(Bytes::InMemory(bytes, None), path, stamp, manifest)
    }

    fn of(
        bytes: Bytes,
        path: &Path,
        stamp: Stamp,
        manifest: &StoreManifest,
    ) -> Result<Self, Failure> {
        let columns = Columns::find(bytes.unchecked(), manifest)?;
        let source = bytes.checked();
        columns.check_views(source, manifest)?;
        let layout = Layout::of(path, stamp, source, &columns, manifest)?;
        for piece in pieces(&columns.features) {
            if !are_finite(&source.range(&piece)?, manifest.dtype) {
                let problem = "some of its features are not finite".to_owned();
                return Err(FileProblem::Damaged(problem).into());
            }
        }
        Ok(Self {
            layout,
            bytes,
            columns,
        })
    }

    /// Returns the positions of its images' features without the digests, for callers that keep them
    /// elsewhere. If the file is kept open, its images can be read after it was replaced.
    pub(super) fn into_layout(self, keep_open: bool) -> Layout {
        let file = match self.bytes {
            Bytes::InMemory(_, file) => file,
            Bytes::InFile(file) => Some(file),
        };
        self.layout.without_digests(file.filter(|_| keep_open))
    }

    /// Returns whether reading its features again takes no access to the file.
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.bytes, Bytes::InMemory(..))
    }

    /// Returns the features of all images.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io) for a part that is not in memory.
    pub(super) fn features(&self, manifest: &StoreManifest) -> Result<Vec<f32>> {
        let mut numbers = Numbers::new(manifest.dtype);
        for piece in pieces(&self.columns.features) {
            numbers.extend(&self.range(&piece)?);
        }
        Ok(numbers.widened())
    }

    /// Copies the features of a view of an image, both by their position in the part.
    ///
    /// # Errors
    /// As [`Self::features`].
    pub(super) fn read_view(
        &self,
        image: usize,
        view: usize,
        manifest: &StoreManifest,
        to: &mut [f32],
    ) -> Result<()> {
        let row = (image * manifest.spec.views.len() + view) as u64;
        let size = (to.len() * manifest.dtype.bytes()) as u64;
        let start = self.columns.features.start + row * size;
        widen(&self.range(&(start..start + size))?, manifest.dtype, to);
        Ok(())
    }

    /// Passes the features of some images to `take`, piece by piece.
    ///
    /// # Errors
    /// As [`Self::features`], and those of `take`.
    pub(super) fn each_piece(
        &self,
        images: &Range<usize>,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut pieces = pieces(&self.layout.place(images));
        pieces.try_for_each(|piece| take(&self.range(&piece)?))
    }

    /// Returns the position of the features in the file.
    pub(super) fn offset(&self) -> u64 {
        self.columns.features.start
    }

    fn range(&self, range: &Range<u64>) -> Result<Cow<'_, [u8]>> {
        let read = self.bytes.checked().range(range);
        read.map_err(|error| Failure::from(error).of(self.layout.path(), FileKind::StorePart))
    }
}

/// Reads and checks a part, and returns the manifest in it.
///
/// # Errors
/// As [`Part::read`].
pub(super) fn own_manifest(path: &Path) -> Result<StoreManifest> {
    let read = || {
        let (bytes, stamp) = Bytes::open(path)?;
        let own = carried(bytes.checked())?;
        Part::of(bytes, path, stamp, &own)?;
        Ok(own)
    };
    read().map_err(|failure: Failure| failure.of(path, FileKind::StorePart))
}

/// A part without its images.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) images: usize,
    /// The manifest in it, with what computed the part.
    pub(super) own: StoreManifest,
    /// The checksum in its footer, which was not checked.
    pub(super) checksum: Option<String>,
}

/// Reads the summary of a part of the store that `manifest` describes, and checks its layout.
///
/// # Errors
/// As [`Part::read`].
pub(super) fn summary(path: &Path, manifest: &StoreManifest) -> Result<Summary> {
    let read = || {
        let file = arrow_file::open(path, LARGEST)?;
        let columns = Columns::find(Source::File(&file), manifest)?;
        Ok(Summary {
            images: columns.rows() / manifest.spec.views.len(),
            own: columns.own,
            checksum: columns.checksum,
        })
    };
    read().map_err(|failure: Failure| failure.of(path, FileKind::StorePart))
}

/// How much of an existing part to read when its store is opened for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The digests and views. The features are checked before they are used.
    Digests,
    /// Everything.
    Whole,
}

/// Returns the images of an existing part. A part without a checksum is read completely and, if `can_write`,
/// replaced atomically by one with the same features and a checksum.
///
/// # Errors
/// As [`Part::read`], and if the part with the checksum cannot be written.
pub(super) fn adopt(
    path: &Path,
    manifest: &StoreManifest,
    extent: Extent,
    can_write: bool,
) -> Result<Vec<Digest>> {
    let (layout, seal) = Layout::read_with_views(path, manifest)?;
    if extent == Extent::Digests && seal == Seal::Unchecked {
        return Ok(layout.digests);
    }
    let part = Part::read(path, manifest)?;
    let digests = part.layout.digests.clone();
    if part.columns.seal == Seal::Missing && can_write {
        let rows = Rows {
            features: part.features(manifest)?,
            digests: part.layout.digests,
        };
        write(path, rows, &part.columns.own)?;
    }
    Ok(digests)
}

#[cfg(test)]
mod tests;
