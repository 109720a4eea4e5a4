//! Reads labels, paths and bytes from arrays of any type that has them.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};

use super::cell;
use super::columns::Columns;

/// The columns of a batch.
pub(super) struct Values<'a> {
    pub(super) bytes: Option<&'a dyn Array>,
    /// The struct that has the bytes, whose rows may be null themselves.
    pub(super) around: Option<&'a dyn Array>,
    pub(super) path: Option<&'a dyn Array>,
    pub(super) label: Option<&'a dyn Array>,
}

impl<'a> Values<'a> {
    pub(super) fn of(batch: &'a RecordBatch, columns: &Columns) -> Self {
        let image = batch.column_by_name(&columns.image.name);
        let image = image.map(|image| &**image);
        let fields = image.and_then(|image| image.as_struct_opt());
        let inner = |name: &str| fields?.column_by_name(name).map(|column| &**column);
        let label = columns.label.as_ref();
        Self {
            bytes: if columns.is_struct {
                inner("bytes")
            } else {
                image
            },
            around: image.filter(|_| columns.is_struct),
            path: inner("path"),
            label: label.and_then(|label| Some(&**batch.column_by_name(&label.name)?)),
        }
    }

    /// Returns the bytes of a row's image.
    pub(super) fn bytes(&self, row: usize) -> Option<&'a [u8]> {
        let bytes = self.bytes?;
        if self.around.is_some_and(|around| around.is_null(row)) {
            return None;
        }
        cell::bytes(bytes, row)
    }

    /// Returns the path of a row's image.
    pub(super) fn path(&self, row: usize) -> Option<String> {
        cell::text_or_number(self.path?, row).filter(|path| !path.is_empty())
    }

    /// Returns the label of a row as text.
    pub(super) fn label(&self, row: usize) -> Option<String> {
        cell::text_or_number(self.label?, row)
    }
}
