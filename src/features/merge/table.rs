//! Tables of features, as Ray or Spark write them and `features export` does.
//!
//! # Format
//! A Parquet file, or an Arrow IPC file, with these columns in any order, among others that are ignored:
//! - `path` or `id`: text or a whole number
//! - `digest`: BLAKE3 of the image's bytes, 32 bytes or 64 hex digits
//! - `features`: a list of D 32-bit or 16-bit floats, all views of an image one after the other
//! - `width` and `height`: whole numbers, upright, in pixels
//! - `status`: `ok`, or why the image was skipped; without this column, all images are used
//! - `label` or `class`: text, optional
//!
//! `digest`, `features`, `width` and `height` may be null for skipped images. The schema's metadata contains
//! `frostline.manifest`: the manifest of the features as JSON, as in the parts of a store. Spark keeps no
//! metadata of a schema; `frostline.spark` adds the manifest to the column `features`. Spark writes its
//! schema, with the metadata of columns, as JSON into the metadata of the file.

mod open;

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema};
use serde_json::Value;

use self::open::{damaged, foreign, open, unreadable};
use crate::caught::caught;
use crate::error::{FileKind, FileProblem, Result};
use crate::features::arrow_file::Failure;
use crate::features::content::{Content, Digest};
use crate::features::index::{IndexRow, is_name};
use crate::features::manifest::{StoreManifest, TABLE_KEY};
use crate::images::cell;

/// The key of Spark's schema in the metadata of a Parquet file.
const SPARK_KEY: &str = "org.apache.spark.sql.parquet.row.metadata";

/// Reads the manifest in a table.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) if there is none, or if the file is damaged; [`Error::Io`].
///
/// [`Error::Io`]: crate::error::Error::Io
pub(super) fn manifest(path: &Path) -> Result<StoreManifest> {
    let read = || {
        let (schema, _) = open(path, 1)?;
        let missing = format!("its schema's metadata has no `{TABLE_KEY}`");
        let text = manifest_text(&schema).ok_or_else(|| foreign(missing))?;
        let manifest: StoreManifest = serde_json::from_str(&text)
            .map_err(|e| damaged(format!("its manifest cannot be read: {e}")))?;
        match manifest.spec.problem() {
            Some(problem) => Err(damaged(problem)),
            None => Ok(StoreManifest::new(
                manifest.spec,
                manifest.dtype,
                manifest.engine,
            )),
        }
    };
    read().map_err(|failure: Failure| failure.of(path, FileKind::FeatureTable))
}

fn manifest_text(schema: &Schema) -> Option<String> {
    let metadata = schema.metadata();
    if let Some(text) = metadata.get(TABLE_KEY) {
        return Some(text.clone());
    }
    let of_spark: Value = serde_json::from_str(metadata.get(SPARK_KEY)?).ok()?;
    let mut columns = of_spark.get("fields")?.as_array()?.iter();
    let features = columns.find(|column| column["name"] == "features")?;
    let text = features.get("metadata")?.get(TABLE_KEY)?.as_str()?;
    Some(text.to_owned())
}

/// Passes each row of a table to `each`, with the features of a used image.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) if the columns are not those of the format or a value is
/// missing; the error of `each`.
pub(super) fn each(
    path: &Path,
    manifest: &StoreManifest,
    mut each: impl FnMut(IndexRow, Vec<f32>) -> Result<()>,
) -> Result<()> {
    let failed = |failure: Failure| failure.of(path, FileKind::FeatureTable);
    let width = manifest.spec.views.len() * manifest.spec.backbone.num_features;
    let (_, mut batches) = open(path, width).map_err(failed)?;
    let mut before = 0;
    // Both readers can panic on a damaged file.
    let mut next = || {
        caught(
            || batches.next().transpose(),
            |panic| ArrowError::IpcError(panic.to_owned()),
        )
    };
    while let Some(batch) = next().map_err(|e| failed(unreadable(&e)))? {
        let columns = Columns::of(&batch).map_err(|problem| failed(problem.into()))?;
        for row in 0..batch.num_rows() {
            let read = columns.row(row, width);
            let (found, features) = read.map_err(|problem| {
                let row = before + row + 1;
                failed(damaged(format!("row {row} {problem}")))
            })?;
            each(found, features)?;
        }
        before += batch.num_rows();
    }
    Ok(())
}

/// The columns of a batch.
struct Columns<'a> {
    path: &'a ArrayRef,
    digest: &'a ArrayRef,
    features: &'a ArrayRef,
    size: [&'a ArrayRef; 2],
    status: Option<&'a ArrayRef>,
    class: Option<&'a ArrayRef>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, FileProblem> {
        let find = |names: &[&str]| names.iter().find_map(|name| batch.column_by_name(name));
        let need = |names: &[&str]| {
            let missing = || format!("it has no column `{}`", names.join("` or `"));
            find(names).ok_or_else(|| FileProblem::Foreign {
                wanted: "a table of features",
                found: missing(),
            })
        };
        Ok(Self {
            path: need(&["path", "id"])?,
            digest: need(&["digest"])?,
            features: need(&["features"])?,
            size: [need(&["width"])?, need(&["height"])?],
            status: find(&["status"]),
            class: find(&["label", "class"]),
        })
    }

    /// Reads a row, or returns what is wrong with it.
    fn row(&self, row: usize, width: usize) -> Result<(IndexRow, Vec<f32>), String> {
        let path = cell::text(self.path, row).map(str::to_owned);
        let path = path.or_else(|| Some(number(self.path, row)?.to_string()));
        let path = path.filter(|path| is_name(path)).ok_or("has no path")?;
        let class = self.class.and_then(|class| cell::text(class, row));
        let class = class.map(str::to_owned);
        if class.as_ref().is_some_and(|class| !is_name(class)) {
            return Err("has a class without a name".to_owned());
        }
        let status = self.status.and_then(|status| cell::text(status, row));
        if let Some(status) = status.filter(|status| !matches!(*status, "ok" | "")) {
            let reason = ["failed: ", "skipped: "]
                .iter()
                .find_map(|start| status.strip_prefix(start));
            let content = Err(reason.unwrap_or(status).to_owned());
            let row = IndexRow {
                path,
                class,
                content,
            };
            return Ok((row, Vec::new()));
        }
        let size = self
            .size
            .map(|column| u32::try_from(number(column, row)?).ok());
        let (Some(digest), [Some(width_of @ 1..), Some(height @ 1..)]) =
            (digest(self.digest, row), size)
        else {
            return Err("has no digest, width or height, and no reason in `status`".to_owned());
        };
        let features = floats(self.features, row).ok_or("has no features")?;
        if features.len() != width {
            return Err(format!("has {} features, not {width}", features.len()));
        }
        if !features.iter().all(|value| value.is_finite()) {
            return Err("has a feature that is not finite".to_owned());
        }
        let content = Ok(Content {
            digest,
            width: width_of,
            height,
        });
        let row = IndexRow {
            path,
            class,
            content,
        };
        Ok((row, features))
    }
}

/// Returns the whole number of a row.
fn number(column: &ArrayRef, row: usize) -> Option<i64> {
    macro_rules! value {
        ($kind:ty) => {
            i64::try_from(column.as_primitive::<$kind>().value(row)).ok()
        };
    }
    match column.data_type() {
        _ if column.is_null(row) => None,
        DataType::Int8 => value!(Int8Type),
        DataType::Int16 => value!(Int16Type),
        DataType::Int32 => value!(Int32Type),
        DataType::Int64 => value!(Int64Type),
        DataType::UInt8 => value!(UInt8Type),
        DataType::UInt16 => value!(UInt16Type),
        DataType::UInt32 => value!(UInt32Type),
        DataType::UInt64 => value!(UInt64Type),
        _ => None,
    }
}

/// Returns the digest of a row, from bytes or hex digits.
fn digest(column: &ArrayRef, row: usize) -> Option<Digest> {
    let bytes = match column.data_type() {
        DataType::FixedSizeBinary(_) if column.is_valid(row) => {
            Some(column.as_fixed_size_binary().value(row))
        }
        _ => cell::bytes(column, row),
    };
    if let Some(bytes) = bytes {
        return Some(Digest(bytes.try_into().ok()?));
    }
    let hash = blake3::Hash::from_hex(cell::text(column, row)?).ok()?;
    Some(Digest(hash.into()))
}

/// Returns the floats of a row of lists.
fn floats(column: &ArrayRef, row: usize) -> Option<Vec<f32>> {
    let values = match column.data_type() {
        _ if column.is_null(row) => return None,
        DataType::List(_) => column.as_list::<i32>().value(row),
        DataType::LargeList(_) => column.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => column.as_fixed_size_list().value(row),
        _ => return None,
    };
    if values.null_count() > 0 {
        return None;
    }
    match values.data_type() {
        DataType::Float32 => Some(values.as_primitive::<Float32Type>().values().to_vec()),
        DataType::Float16 => {
            let halves = values.as_primitive::<Float16Type>().values();
            Some(halves.iter().map(|half| half.to_f32()).collect())
        }
        _ => None,
    }
}
