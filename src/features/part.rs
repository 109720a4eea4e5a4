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
//! The checksum of the entire file is checked before its features are used. Parts of version 1 have no
//! checksum; the next run that writes to their store adds it (see [`adopt`]) without recomputing anything.

mod columns;
mod layout;

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
use layout::{are_finite, widen};

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

/// A checked part in memory: its checksum is correct if it has one, its columns match its store, and its
/// features are finite.
#[derive(Debug)]
pub(super) struct Part {
    /// The positions of its images' features in the file.
    pub(super) layout: Layout,
    bytes: Vec<u8>,
    columns: Columns,
}

impl Part {
    /// Reads a part of the store that `manifest` describes.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) if it is truncated, damaged, of another format, of a newer
    /// version or of another store; [`Error::Io`](crate::error::Error::Io).
    pub(super) fn read(path: &Path, manifest: &StoreManifest) -> Result<Self> {
        let read =
            read_file(path).and_then(|(bytes, stamp)| Self::of(bytes, path, stamp, manifest));
        read.map_err(|failure| failure.of(path, FileKind::StorePart))
    }

    /// Checks a part whose bytes were read from the file with this stamp.
    pub(super) fn of(
        bytes: Vec<u8>,
        path: &Path,
        stamp: Stamp,
        manifest: &StoreManifest,
    ) -> Result<Self, Failure> {
        let source = Source::Bytes(&bytes);
        let columns = Columns::find(source, manifest)?;
        columns.check_views(source, manifest)?;
        let layout = Layout::of(path, stamp, source, &columns, manifest)?;
        let part = Self {
            layout,
            bytes,
            columns,
        };
        if are_finite(part.feature_bytes(), manifest.dtype) {
            return Ok(part);
        }
        let problem = "some of its features are not finite".to_owned();
        Err(FileProblem::Damaged(problem).into())
    }

    /// Returns the features of all images.
    pub(super) fn features(&self, manifest: &StoreManifest) -> Vec<f32> {
        let mut numbers = Numbers::new(manifest.dtype);
        numbers.extend(self.feature_bytes());
        numbers.widened()
    }

    /// Copies the features of a view of an image, both by their position in the part.
    pub(super) fn read_view(
        &self,
        image: usize,
        view: usize,
        manifest: &StoreManifest,
        to: &mut [f32],
    ) {
        let row = image * manifest.spec.views.len() + view;
        let size = to.len() * manifest.dtype.bytes();
        widen(
            &self.feature_bytes()[row * size..][..size],
            manifest.dtype,
            to,
        );
    }

    /// Returns the position of the features in the file.
    pub(super) fn offset(&self) -> u64 {
        self.columns.features.start
    }

    fn feature_bytes(&self) -> &[u8] {
        let range = &self.columns.features;
        &self.bytes[range.start as usize..range.end as usize]
    }
}

/// Reads and checks a part, and returns the manifest in it.
///
/// # Errors
/// As [`Part::read`].
pub(super) fn own_manifest(path: &Path) -> Result<StoreManifest> {
    let read = || {
        let (bytes, stamp) = read_file(path)?;
        let own = carried(Source::Bytes(&bytes))?;
        Part::of(bytes, path, stamp, &own)?;
        Ok(own)
    };
    read().map_err(|failure: Failure| failure.of(path, FileKind::StorePart))
}

/// Reads the bytes of a part, and the stamp of the file.
fn read_file(path: &Path) -> Result<(Vec<u8>, Stamp), Failure> {
    let file = arrow_file::open(path, LARGEST)?;
    let stamp = Stamp::of(&file.metadata()?);
    Ok((inputs::read_all(file, LARGEST)?, stamp))
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
            features: part.features(manifest),
            digests: part.layout.digests,
        };
        write(path, rows, &part.columns.own)?;
    }
    Ok(digests)
}

#[cfg(test)]
mod tests;
