//! A part's columns, held against the manifest of its store.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{ArrowError, DataType, Field, Schema};

use crate::error::FileProblem;
use crate::features::arrow_file::{Batch, Contents, Failure, Metadata, Seal, Source, versioned};
use crate::features::content::Digest;
use crate::features::dtype::Dtype;
use crate::features::manifest::StoreManifest;

/// No part has more bytes: a part ends with the image that fills it, and ten views of the most features that
/// a backbone may have take 640 MiB.
pub(in crate::features) const LARGEST: u64 = 1 << 30;

/// Where the columns of a part lie. Their types, widths and numbers of rows are those of its store.
#[derive(Debug)]
pub(in crate::features) struct Columns {
    pub(super) seal: Seal,
    /// The manifest in the part: that of its store, with the engine that computed the part.
    pub(super) own: StoreManifest,
    /// All features, one after the other.
    pub(in crate::features) features: Range<u64>,
    batch: Batch,
}

impl Columns {
    /// Finds those of a part of the store that `manifest` describes.
    pub(in crate::features) fn find(
        source: Source<'_>,
        manifest: &StoreManifest,
    ) -> Result<Self, Failure> {
        let mut own = None;
        let contents = Contents::find(source, |metadata| {
            own = Some(own_manifest(metadata, manifest)?);
            expected(manifest)
        })?;
        let count = contents.batches.len();
        let mut batches = contents.batches.into_iter();
        match (own, batches.next(), batches.next()) {
            (Some(own), Some(batch), None) => Ok(Self {
                seal: contents.seal,
                own,
                features: batch.columns[2].values.clone(),
                batch,
            }),
            _ => Err(damaged(format!("it has {count} batches, not one")).into()),
        }
    }

    /// Whether there is a checksum, and whether it was checked.
    pub(in crate::features) fn seal(&self) -> Seal {
        self.seal
    }

    /// The digests, one for each image, whose rows must lie together.
    pub(in crate::features) fn digests(
        &self,
        source: Source<'_>,
        manifest: &StoreManifest,
    ) -> Result<Vec<Digest>, Failure> {
        let bytes = source.range(&self.batch.columns[0].values)?;
        let views = manifest.spec.views.len();
        let images = bytes.as_chunks().0.chunks(views);
        let whole = |image: &[[u8; 32]]| {
            image.len() == views && image.iter().all(|digest| *digest == image[0])
        };
        if !images.clone().all(whole) {
            return Err(damaged(format!("its rows are not {views} views of each image")).into());
        }
        Ok(images.map(|image| Digest(image[0])).collect())
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
        let problem = format!("its views are not {} of each image", names.join(", "));
        Err(damaged(problem).into())
    }
}

/// The columns of a part, and its metadata.
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

/// The columns that a part of the store has.
fn expected(manifest: &StoreManifest) -> Result<Schema, FileProblem> {
    schema(manifest).map_err(|e| damaged(e.to_string()))
}

/// The manifest that a part carries, which must be that of the store but for the engine.
fn own_manifest(
    metadata: Metadata<'_>,
    manifest: &StoreManifest,
) -> Result<StoreManifest, FileProblem> {
    let own = manifest_of(metadata)?;
    let differences = manifest.differences(&own);
    if differences.is_empty() {
        // Written by this version, whichever wrote it before.
        return Ok(StoreManifest::new(own.spec, own.dtype, own.engine));
    }
    Err(foreign(format!(
        "it comes from another store ({})",
        differences.join("; ")
    )))
}

/// The manifest that a part carries, whatever store it is of; its columns are what that says.
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
