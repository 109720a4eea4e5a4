//! Tables of features, as Ray or Spark write them and `features export` does.
//!
//! # Format
//! A Parquet file, an Arrow IPC file or an Arrow IPC stream, with these columns in any order, among others
//! that are ignored:
//! - `path` or `id`: text or a whole number
//! - `digest`: BLAKE3 of the image's bytes, 32 bytes or 64 hex digits
//! - `features`: a list of D 32-bit or 16-bit floats, all views of an image one after the other
//! - `width` and `height`: whole numbers, upright, in pixels
//! - `status`: `ok`, or why the image was skipped; without this column, all images are used
//! - `label` or `class`: text or whole numbers, whose names are those of the schema's metadata, as in tables
//!   of images; optional
//!
//! `digest`, `features`, `width` and `height` may be null for skipped images, and so may `path`: such a row
//! is named by the file's name, `#` and the number of its row, from 0. The schema's metadata contains
//! `frostline.manifest`: the manifest of the features as JSON, as in the parts of a store. Spark keeps no
//! metadata of a schema; `frostline.spark` adds the manifest to the column `features`. Spark writes its
//! schema, with the metadata of columns, as JSON into the metadata of the file.

mod open;

use std::path::Path;

use arrow_schema::Schema;
use serde_json::Value;

pub(super) use self::open::is_table;
use self::open::{damaged, foreign, open};
use super::columns::Columns;
use crate::error::{FileKind, Result};
use crate::features::arrow_file::Failure;
use crate::features::index::IndexRow;
use crate::features::manifest::{StoreManifest, TABLE_KEY};
use crate::images::LabelColumn;
use crate::images::path_text::to_text;
use crate::phrases::all_in_quotes;

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

/// Passes each row of a table to `each`, with the features of a used image. Returns a note about its labels.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) if the columns are not those of the format or a value is
/// missing; the error of `each`.
pub(super) fn each(
    path: &Path,
    manifest: &StoreManifest,
    mut each: impl FnMut(IndexRow, Vec<f32>) -> Result<()>,
) -> Result<Option<String>> {
    let failed = |failure: Failure| failure.of(path, FileKind::FeatureTable);
    let width = manifest.spec.views.len() * manifest.spec.backbone.num_features;
    let (schema, batches) = open(path, width).map_err(failed)?;
    let label = LabelColumn::of(&schema, "class");
    let mut before = 0;
    for batch in batches {
        let batch = batch.map_err(failed)?;
        let columns = Columns::of(&batch, label.as_ref().ok());
        let columns = columns.map_err(|problem| failed(foreign(problem)))?;
        for row in 0..batch.num_rows() {
            let number = before + row;
            let name = path.file_name().unwrap_or_default();
            let unnamed = || format!("{}#{number}", to_text(name.as_ref()));
            let (found, features) = columns
                .row(row, width, unnamed)
                .map_err(|problem| failed(foreign(format!("row {} {problem}", number + 1))))?;
            each(found, features)?;
        }
        before += batch.num_rows();
    }
    let several = label.err().filter(|several| !several.is_empty());
    Ok(several.map(|several| {
        format!(
            "`{}` has several columns of labels ({}): none is used; name one of them `label`",
            path.display(),
            all_in_quotes(several)
        )
    }))
}
