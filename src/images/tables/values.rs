//! Reads labels, paths and bytes from arrays of any type that has them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

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
        text_or_number(self.path?, row).filter(|path| !path.is_empty())
    }

    /// Returns the label of a row as text.
    pub(super) fn label(&self, row: usize) -> Option<String> {
        text_or_number(self.label?, row)
    }
}

/// Returns a text, or a number as text.
fn text_or_number(array: &dyn Array, row: usize) -> Option<String> {
    macro_rules! number {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row).to_string()
        };
    }
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Dictionary(..) => {
            let (values, row) = cell::entry(array, row)?;
            return text_or_number(values, row);
        }
        _ => return cell::text(array, row).map(str::to_owned),
    })
}
