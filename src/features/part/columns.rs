//! Finds a part's columns and checks them against the manifest of its store.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{ArrowError, DataType, Field, Schema};

use crate::error::FileProblem;
use crate::features::arrow_file::{Batch, Contents, Failure, Metadata, Seal, Source, versioned};
use crate::features::content::Digest;
use crate::features::dtype::Dtype;
use crate::features::manifest::StoreManifest;
use crate::phrases::counted;

/// The size limit of a part, in bytes. A part ends with the image that fills it, and ten views of the largest
/// allowed number of features take 640 MiB.
pub(in crate::features) const LARGEST: u64 = 1 << 30;

/// The positions of a part's columns. Their types, widths and numbers of rows match the store.
#[derive(Debug)]
pub(in crate::features) struct Columns {
    pub(super) seal: Seal,
    /// The manifest in the part: that of its store, with the engine that computed the part.
    pub(super) own: StoreManifest,
    /// The checksum in the footer, which was checked if `seal` says so.
    pub(super) checksum: Option<String>,
    /// The range of the features of all rows.
    pub(in crate::features) features: Range<u64>,
    batch: Batch,
}

impl Columns {
    /// Finds the columns of a part of the store that `manifest` describes.
    pub(in crate::features) fn find(
        source: Source<'_>,
        manifest: &StoreManifest,
    ) -> Result<Self, Failure> {
        let (mut own, mut checksum) = (None, None);
        let contents = Contents::find(source, |metadata| {
            own = Some(own_manifest(metadata, manifest)?);
            checksum = metadata.checksum().map(str::to_owned);
            expected(manifest)
        })?;
        let count = contents.batches.len();
        let mut batches = contents.batches.into_iter();
        match (own, batches.next(), batches.next()) {
            (Some(own), Some(batch), None) => Ok(Self {
                seal: contents.seal,
                own,
                checksum,
                features: batch.columns[2].values.clone(),
                batch,
            }),
            _ => Err(damaged(format!("it has {count} batches, not one")).into()),
        }
    }

    /// Returns the number of rows, one for each view of an image.
    pub(super) fn rows(&self) -> usize {
        self.batch.rows as usize
    }

    /// Returns whether there is a checksum, and whether it was checked.
    pub(in crate::features) fn seal(&self) -> Seal {
        self.seal
    }

    /// Reads the digests, one for each image. The rows of an image must be consecutive.
    pub(in crate::features) fn digests(
        &self,
        source: Source<'_>,
        manifest: &StoreManifest,
    ) -> Result<Vec<Digest>, Failure> {
        let views = manifest.spec.views.len();
        let whole = |image: &[[u8; 32]]| {
            image.len() == views && image.iter().all(|digest| *digest == image[0])
        };
        let Range { mut start, end } = self.batch.columns[0].values;
        let mut digests = Vec::with_capacity((end - start) as usize / 32 / views);
        // Only some images at a time, since a part may have millions.
        let piece = 8192 * 32 * views as u64;
        while start < end {
            let bytes = source.range(&(start..end.min(start + piece)))?;
            let images = bytes.as_chunks().0.chunks(views);
            if !images.clone().all(whole) {
                let problem = format!("its rows are not {} per image", counted(views, "view"));
                return Err(damaged(problem).into());
            }
            digests.extend(images.map(|image| Digest(image[0])));
            start += piece;
        }
        Ok(digests)
    }

    /// Checks that each image's rows are the views of the store, in their order.
    pub(in crate::features) fn check_views(
        &self,
        source: Source<'_>,
        manifest: &StoreManifest,
    ) -> Result<(), Failure> {
        let column = &self.batch.columns[1];
        let offsets = match &column.offsets {
            Some(offsets) => source.range(offsets)?,
            None => Cow::default(),
        };
        let texts = source.range(&column.values)?;
        let names = manifest.spec.views.iter().map(ToString::to_string);
        let names: Vec<String> = names.collect();
        let offsets = offsets.as_chunks().0;
        let ranges = offsets.iter().zip(offsets.iter().skip(1));
        let right = |((start, end), name): ((&[u8; 4], &[u8; 4]), &String)| {
            let [start, end] = [start, end].map(|bytes| u32::from_le_bytes(*bytes) as usize);
            texts.get(start..end) == Some(name.as_bytes())
        };
        if ranges.zip(names.iter().cycle()).all(right) {
            return Ok(());
        }
        let problem = format!("the views of its images are not {}", names.join(", "));
        Err(damaged(problem).into())
    }
}

/// Returns the columns and the metadata of a part.
pub(super) fn schema(manifest: &StoreManifest) -> Result<Schema, ArrowError> {
    let width = i32::try_from(manifest.spec.backbone.num_features)
        .map_err(|e| ArrowError::CastError(e.to_string()))?;
    let item = match manifest.dtype {
        Dtype::F32 => DataType::Float32,
        Dtype::F16 => DataType::Float16,
    };
    let item = Arc::new(Field::new("item", item, false));
    let field = |name: &str, kind| Field::new(name, kind, false);
    let fields = vec![
        field("digest", DataType::FixedSizeBinary(32)),
        field("view", DataType::Utf8),
        field("features", DataType::FixedSizeList(item, width)),
    ];
    let mut metadata = versioned();
    metadata.insert("manifest".to_owned(), manifest.to_json());
    Ok(Schema::new_with_metadata(fields, metadata))
}

fn damaged(problem: String) -> FileProblem {
    FileProblem::Damaged(problem)
}

/// Returns the columns that a part of the store must have.
fn expected(manifest: &StoreManifest) -> Result<Schema, FileProblem> {
    schema(manifest).map_err(|e| damaged(e.to_string()))
}

/// Reads the manifest in a part, which must match that of the store except for the engine.
fn own_manifest(
    metadata: Metadata<'_>,
    manifest: &StoreManifest,
) -> Result<StoreManifest, FileProblem> {
    let own = manifest_of(metadata)?;
    let differences = manifest.differences(&own, ["the manifest", "the part"]);
    if differences.is_empty() {
        // If the part is rewritten, this version of frostline does it.
        return Ok(StoreManifest::new(own.spec, own.dtype, own.engine));
    }
    Err(foreign(format!(
        "it belongs to another store ({})",
        differences.join("; ")
    )))
}

/// Reads the manifest in a part of any store, and checks that the part's columns match it.
pub(in crate::features) fn carried(source: Source<'_>) -> Result<StoreManifest, Failure> {
    let mut own = None;
    Contents::find(source, |metadata| {
        let found = manifest_of(metadata)?;
        let columns = expected(&found);
        own = Some(StoreManifest::new(found.spec, found.dtype, found.engine));
        columns
    })?;
    own.ok_or_else(|| unreadable().into())
}

fn manifest_of(metadata: Metadata<'_>) -> Result<StoreManifest, FileProblem> {
    let text = metadata.schema("manifest");
    let own = text.and_then(|text| serde_json::from_str::<StoreManifest>(text).ok());
    let own = own.ok_or_else(unreadable)?;
    match own.spec.problem() {
        Some(problem) => Err(damaged(problem)),
        None => Ok(own),
    }
}

fn unreadable() -> FileProblem {
    foreign("its manifest cannot be read".to_owned())
}

fn foreign(found: String) -> FileProblem {
    FileProblem::Foreign {
        wanted: "a part of this feature store",
        found,
    }
}
