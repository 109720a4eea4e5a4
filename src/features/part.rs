//! `part-NNNNN.arrow`: some images' features, immutable.
//!
//! # Format
//! An Arrow IPC file with the columns `digest` FixedSizeBinary(32) (BLAKE3 of the image's bytes), `view` Utf8 and
//! `features` FixedSizeList<Float32 or Float16, D>; a row for each view of each image, those of an image together and in
//! the manifest's order. The schema's metadata carries `format_version` and `manifest`, the store's manifest as JSON with
//! the engine that computed this part. From version 2 on, the footer's metadata carries `checksum`: BLAKE3 in hex over the
//! manifest and the values of the three columns (see `checksum`). It is checked whenever features are read.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float16Array, Float32Array,
    RecordBatch, StringArray,
};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use half::f16;

use super::digest::Digest;
use super::manifest::{Dtype, StoreManifest, VERSION};
use crate::error::{Error, FileProblem, Result, system_error};
use crate::outputs;

/// Name of part number `n`.
pub(super) fn file_name(n: usize) -> String {
    format!("part-{n:05}.arrow")
}

/// The number in a part's name.
pub(super) fn number(name: &str) -> Option<usize> {
    name.strip_prefix("part-")?
        .strip_suffix(".arrow")?
        .parse()
        .ok()
}

/// Images of a part: digests (N), and their features (N · V, D) one after the other, V views of each.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) digests: Vec<Digest>,
    pub(super) features: Vec<f32>,
}

/// Where the footer's metadata has the checksum.
const CHECKSUM: &str = "checksum";
/// The first format version whose parts have one.
const CHECKED: u64 = 2;

/// Writes a part.
pub(super) fn write(path: &Path, rows: Rows, manifest: &StoreManifest) -> Result<()> {
    let failed = |e: ArrowError| Error::io("write", path)(system_error(e));
    let batch = record_batch(rows, manifest).map_err(failed)?;
    outputs::write(path, |file| {
        let mut writer = FileWriter::try_new(file, &batch.schema()).map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
        let mut sum = Sum::of(manifest_text(&batch.schema()));
        sum.add(&batch);
        writer.write_metadata(CHECKSUM, sum.hex());
        writer.finish().map_err(failed)
    })
}

/// The store's manifest as a part carries it.
fn manifest_text(schema: &Schema) -> &str {
    schema.metadata().get("manifest").map_or("", String::as_str)
}

/// BLAKE3 over the manifest's text and, of each row, the digest, the view's name and the bytes of the features.
struct Sum(blake3::Hasher);

impl Sum {
    fn of(manifest: &str) -> Self {
        let mut sum = Self(blake3::Hasher::new());
        sum.put(manifest.as_bytes());
        sum
    }

    /// Each text goes with its length, so that none runs into the next.
    fn put(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn add(&mut self, batch: &RecordBatch) {
        for column in batch.columns() {
            match column.data_type() {
                DataType::FixedSizeBinary(_) => {
                    for digest in column.as_fixed_size_binary() {
                        self.put(digest.unwrap_or_default());
                    }
                }
                DataType::Utf8 => {
                    for text in column.as_string::<i32>() {
                        self.put(text.unwrap_or_default().as_bytes());
                    }
                }
                _ => {
                    let values = column.as_fixed_size_list_opt();
                    self.put(
                        values
                            .and_then(|list| bytes_of(list.values()))
                            .unwrap_or_default(),
                    );
                }
            }
        }
    }

    fn hex(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// The numbers of a column as they lie in the file, in little-endian order.
fn bytes_of(values: &ArrayRef) -> Option<&[u8]> {
    match values.data_type() {
        DataType::Float32 => {
            let values = values.as_primitive::<Float32Type>().values();
            Some(values.inner().as_slice())
        }
        DataType::Float16 => {
            let values = values.as_primitive::<Float16Type>().values();
            Some(values.inner().as_slice())
        }
        _ => None,
    }
}

fn record_batch(rows: Rows, manifest: &StoreManifest) -> Result<RecordBatch, ArrowError> {
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
    let width = i32::try_from(manifest.spec.backbone.num_features)
        .map_err(|e| ArrowError::CastError(e.to_string()))?;
    let features = FixedSizeListArray::try_new(item, width, values, None)?;
    let columns: [(&str, ArrayRef); 3] = [
        ("digest", Arc::new(digests)),
        ("view", Arc::new(views)),
        ("features", Arc::new(features)),
    ];
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), false))
        .collect();
    let metadata = HashMap::from([
        ("format_version".to_owned(), VERSION.to_string()),
        ("manifest".to_owned(), manifest.to_json()),
    ]);
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    RecordBatch::try_new(
        schema,
        columns.into_iter().map(|(_, column)| column).collect(),
    )
}

/// Reads a part of the store that `manifest` describes: the features are widened to 32 bits, and its checksum must be right.
///
/// # Errors
/// [`Error::File`]: cut, foreign, newer, or of another store.
pub(super) fn read(path: &Path, manifest: &StoreManifest) -> Result<Rows> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    read_file(file, manifest).map_err(|problem| Error::File {
        path: path.to_owned(),
        problem,
        hint: HINT.to_owned(),
    })
}

/// The way out where a part is damaged.
pub(super) const HINT: &str =
    "run the same `frostline extract` again with --verify: it computes the part's images again";

/// Checks that a part is as it was written, and that all its numbers are finite.
///
/// # Errors
/// As [`read`].
pub(super) fn verify(path: &Path, manifest: &StoreManifest) -> Result<Rows> {
    let rows = read(path, manifest)?;
    if rows.features.iter().all(|value| value.is_finite()) {
        return Ok(rows);
    }
    Err(Error::File {
        path: path.to_owned(),
        problem: FileProblem::Damaged("some of its numbers are not finite".to_owned()),
        hint: HINT.to_owned(),
    })
}

fn read_file(file: File, manifest: &StoreManifest) -> Result<Rows, FileProblem> {
    let length = file
        .metadata()
        .map_err(|e| FileProblem::Damaged(e.to_string()))?
        .len();
    let damaged = |e: ArrowError| FileProblem::Damaged(e.to_string());
    let reader = FileReader::try_new_buffered(file, None).map_err(|e| {
        FileProblem::Cut(format!("no Arrow file ends after its {length} bytes ({e})"))
    })?;
    let schema = reader.schema();
    let version = check(&schema, manifest)?;
    let expected = reader.custom_metadata().get(CHECKSUM).cloned();
    let mut sum = Sum::of(manifest_text(&schema));
    let mut rows = Rows::default();
    for batch in reader {
        let batch = batch.map_err(damaged)?;
        append(&mut rows, &batch, manifest)?;
        sum.add(&batch);
    }
    if version >= CHECKED && expected != Some(sum.hex()) {
        let problem = "its content does not match its checksum";
        return Err(FileProblem::Damaged(problem.to_owned()));
    }
    one_digest_an_image(&mut rows.digests, manifest.spec.views.len())?;
    Ok(rows)
}

/// Brings a digest a row to one an image.
pub(super) fn one_digest_an_image(
    digests: &mut Vec<Digest>,
    views: usize,
) -> Result<(), FileProblem> {
    let images = digests.chunks(views.max(1));
    let whole = |image: &[Digest]| image.len() == views && image.iter().all(|d| *d == image[0]);
    if !images.clone().all(whole) {
        return Err(FileProblem::Damaged(format!(
            "its rows are not {views} views of each image"
        )));
    }
    *digests = images.map(|image| image[0]).collect();
    Ok(())
}

/// The format version of a part of the store that `manifest` describes.
pub(super) fn check(schema: &Schema, manifest: &StoreManifest) -> Result<u64, FileProblem> {
    let wanted = "a part of this feature store";
    let foreign = |found: &str| FileProblem::Foreign {
        wanted,
        found: found.to_owned(),
    };
    let version = schema
        .metadata()
        .get("format_version")
        .and_then(|version| version.parse::<u64>().ok());
    let version = match version {
        None => return Err(foreign("an Arrow file of something else")),
        Some(found) if found > VERSION => {
            return Err(FileProblem::Newer {
                found,
                known: VERSION,
            });
        }
        Some(version) => version,
    };
    let own = schema
        .metadata()
        .get("manifest")
        .and_then(|text| serde_json::from_str::<StoreManifest>(text).ok());
    let own = own.ok_or_else(|| foreign("its manifest cannot be read"))?;
    let differences = manifest.differences(&own);
    if !differences.is_empty() {
        return Err(foreign(&format!(
            "it comes from another store ({})",
            differences.join("; ")
        )));
    }
    Ok(version)
}

fn append(
    rows: &mut Rows,
    batch: &RecordBatch,
    manifest: &StoreManifest,
) -> Result<(), FileProblem> {
    let damaged = |what: &str| {
        FileProblem::Damaged(format!("its column `{what}` is missing or of another type"))
    };
    let digests = batch
        .column_by_name("digest")
        .and_then(|column| column.as_fixed_size_binary_opt());
    let digests = digests
        .filter(|column| column.value_length() == 32 && column.null_count() == 0)
        .ok_or_else(|| damaged("digest"))?;
    for bytes in digests.iter().flatten() {
        rows.digests
            .push(Digest(bytes.try_into().map_err(|_| damaged("digest"))?));
    }
    let features = batch
        .column_by_name("features")
        .and_then(|column| column.as_fixed_size_list_opt());
    let width = manifest.spec.backbone.num_features;
    let features = features
        .filter(|list| list.null_count() == 0 && list.value_length() as usize == width)
        .filter(|list| list.values().null_count() == 0)
        .ok_or_else(|| damaged("features"))?;
    extend(&mut rows.features, features.values(), manifest.dtype)
        .ok_or_else(|| damaged("features"))?;
    Ok(())
}

/// Adds the numbers, which must be of the store's kind.
fn extend(to: &mut Vec<f32>, values: &ArrayRef, dtype: Dtype) -> Option<()> {
    match dtype {
        Dtype::F32 => to.extend_from_slice(values.as_primitive_opt::<Float32Type>()?.values()),
        Dtype::F16 => {
            let values = values.as_primitive_opt::<Float16Type>()?.values();
            to.extend(values.iter().map(|value| value.to_f32()));
        }
    }
    Some(())
}
