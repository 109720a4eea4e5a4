//! The images in a column of a batch.

use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::{AnyDictionaryArray, Array, ArrayRef};
use arrow_schema::DataType;

use crate::images::{Image, Limits, SkipReason, cell};

/// A column of images whose rows are taken out one by one.
#[derive(Debug)]
pub(super) enum Cells {
    /// Binary values are images, text values are paths.
    Values(Values),
    /// Each row has bytes or, without them, a path.
    Either {
        rows: ArrayRef,
        bytes: Option<Values>,
        path: Option<Values>,
    },
}

/// Values, and the place of each row's value among them if several rows share one.
#[derive(Debug)]
pub(super) struct Values {
    column: ArrayRef,
    /// The column, or the dictionary's entries.
    entries: ArrayRef,
    keys: Option<Vec<usize>>,
}

impl Cells {
    /// Reads a column whose type was checked.
    pub(super) fn of(column: &ArrayRef) -> Self {
        let DataType::Struct(_) = column.data_type() else {
            return Self::Values(Values::of(column));
        };
        let rows = column.as_struct();
        Self::Either {
            bytes: rows.column_by_name("bytes").map(Values::of),
            path: rows.column_by_name("path").map(Values::of),
            rows: ArrayRef::clone(column),
        }
    }

    /// Returns the image of a row. Bytes are copied.
    pub(super) fn image(&self, row: usize, limits: &Limits) -> Image {
        let image = match self {
            Self::Values(values) => values.image(row, limits),
            Self::Either { rows, .. } if rows.is_null(row) => None,
            Self::Either { bytes, path, .. } => {
                let of = |values: &Option<Values>| values.as_ref()?.image(row, limits);
                of(bytes).or_else(|| of(path))
            }
        };
        image.unwrap_or_else(|| SkipReason::Other("has no image (null)".to_owned()).into())
    }
}

impl Values {
    fn of(column: &ArrayRef) -> Self {
        let dictionary = column.as_any_dictionary_opt();
        let dictionary = dictionary.filter(|dictionary| !dictionary.values().is_empty());
        Self {
            column: ArrayRef::clone(column),
            entries: ArrayRef::clone(dictionary.map_or(column, |dictionary| dictionary.values())),
            keys: dictionary.map(AnyDictionaryArray::normalized_keys),
        }
    }

    fn image(&self, row: usize, limits: &Limits) -> Option<Image> {
        if self.column.is_null(row) {
            return None;
        }
        let row = self.keys.as_ref().map_or(row, |keys| keys[row]);
        let values = &*self.entries;
        if let Some(path) = cell::text(values, row) {
            return Some(PathBuf::from(path).into());
        }
        let content = cell::bytes(values, row)?;
        let (bytes, limit) = (content.len() as u64, limits.max_bytes);
        Some(if bytes > limit {
            SkipReason::TooLong { bytes, limit }.into()
        } else {
            content.into()
        })
    }
}
