//! The columns of a table of features, and the values of its rows.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

use crate::features::content::{Content, Digest};
use crate::features::index::{IndexRow, is_name};
use crate::images::{LabelColumn, cell};

/// The names of the columns that are the class without being described as such.
const CLASSES: [&str; 2] = ["label", "class"];

/// The columns of a batch.
pub(super) struct Columns<'a> {
    path: &'a ArrayRef,
    digest: &'a ArrayRef,
    features: &'a ArrayRef,
    size: [&'a ArrayRef; 2],
    status: Option<&'a ArrayRef>,
    label: Option<(&'a LabelColumn, &'a ArrayRef)>,
}

impl<'a> Columns<'a> {
    /// Finds the columns, or returns what is wrong with them.
    pub(super) fn of(
        batch: &'a RecordBatch,
        label: Option<&'a LabelColumn>,
    ) -> Result<Self, String> {
        let find = |names: &[&str]| names.iter().find_map(|name| batch.column_by_name(name));
        let need = |names: &[&str]| {
            let missing = || format!("it has no column `{}`", names.join("` or `"));
            find(names).ok_or_else(missing)
        };
        let label = label.and_then(|label| Some((label, batch.column_by_name(&label.name)?)));
        if let (None, Some(column)) = (&label, find(&CLASSES))
            && *column.data_type() != DataType::Null
        {
            let kind = column.data_type();
            return Err(format!("its labels are {kind}, not text or whole numbers"));
        }
        Ok(Self {
            path: need(&["path", "id"])?,
            digest: need(&["digest"])?,
            features: need(&["features"])?,
            size: [need(&["width"])?, need(&["height"])?],
            status: find(&["status"]),
            label,
        })
    }

    /// Reads a row of the table, whose features are `width` numbers, or returns what is wrong with it. A row
    /// without features and without a path is called `unnamed`.
    pub(super) fn row(
        &self,
        row: usize,
        width: usize,
        unnamed: impl FnOnce() -> String,
    ) -> Result<(IndexRow, Vec<f32>), String> {
        let path = cell::text_or_number(self.path, row).filter(|path| is_name(path));
        let class = self.class(row)?;
        let status = self.status.and_then(|status| cell::text(status, row));
        if let Some(status) = status.filter(|status| !matches!(*status, "ok" | "")) {
            let reason = ["failed: ", "skipped: "]
                .iter()
                .find_map(|start| status.strip_prefix(start));
            let row = IndexRow {
                path: path.unwrap_or_else(unnamed),
                class,
                content: Err(reason.unwrap_or(status).to_owned()),
            };
            return Ok((row, Vec::new()));
        }
        let row_of = |content| {
            let path = path.ok_or("has no path (its `path` or `id` is null or empty)")?;
            let content = Ok(content);
            Ok::<_, &str>(IndexRow {
                path,
                class,
                content,
            })
        };
        let size = self
            .size
            .map(|column| u32::try_from(number(column, row)?).ok());
        let (Some(digest), [Some(width_of @ 1..), Some(height @ 1..)]) =
            (digest(self.digest, row), size)
        else {
            return Err("has no digest, width or height, and no reason in `status`".to_owned());
        };
        let features = floats(self.features, row)
            .ok_or("has no features, or they are not 32-bit or 16-bit floats")?;
        if features.len() != width {
            return Err(format!("has {} features, not {width}", features.len()));
        }
        if !features.iter().all(|value| value.is_finite()) {
            return Err("has a feature that is not finite".to_owned());
        }
        let content = Content {
            digest,
            width: width_of,
            height,
        };
        Ok((row_of(content)?, features))
    }

    /// Returns the class of a row. Datasets mark images without one by -1.
    fn class(&self, row: usize) -> Result<Option<String>, String> {
        let Some((column, labels)) = self.label else {
            return Ok(None);
        };
        let Some(label) = cell::text_or_number(labels, row) else {
            return Ok(None);
        };
        match column.class(&label) {
            Some(class) if is_name(class) => Ok(Some(class.to_owned())),
            Some(_) => Err("has a class without a name".to_owned()),
            None if label.starts_with('-') => Ok(None),
            None => Err(format!(
                "has the label {label}, for which the schema's metadata has no name"
            )),
        }
    }
}

/// Returns the whole number of a row.
fn number(column: &ArrayRef, row: usize) -> Option<i64> {
    i64::try_from(cell::whole(column, row)?).ok()
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
