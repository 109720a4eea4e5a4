//! A value of an array, whatever the width of its offsets.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::DataType;

/// Returns the bytes of a row; `None` if it is null, or the array has another type.
pub(crate) fn bytes(array: &dyn Array, row: usize) -> Option<&[u8]> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        _ => None,
    }
}

/// Returns the text of a row, also of a dictionary; `None` if it is null, or the array has another type.
pub(crate) fn text(array: &dyn Array, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        DataType::Dictionary(..) => {
            let (values, row) = entry(array, row)?;
            text(values, row)
        }
        _ => None,
    }
}

/// Returns the whole number of a row; `None` if it is null, or the array has another type.
pub(crate) fn whole(array: &dyn Array, row: usize) -> Option<i128> {
    macro_rules! value {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row).into()
        };
    }
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Int8 => value!(Int8Type),
        DataType::Int16 => value!(Int16Type),
        DataType::Int32 => value!(Int32Type),
        DataType::Int64 => value!(Int64Type),
        DataType::UInt8 => value!(UInt8Type),
        DataType::UInt16 => value!(UInt16Type),
        DataType::UInt32 => value!(UInt32Type),
        DataType::UInt64 => value!(UInt64Type),
        _ => return None,
    })
}

/// Returns the text of a row, or its number as text; `None` if it is null, or the array has another type.
pub(crate) fn text_or_number(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Boolean => Some(array.as_boolean().value(row).to_string()),
        DataType::Dictionary(..) => {
            let (values, row) = entry(array, row)?;
            text_or_number(values, row)
        }
        _ => match whole(array, row) {
            Some(number) => Some(number.to_string()),
            None => text(array, row).map(str::to_owned),
        },
    }
}

/// Returns the entries of a dictionary, and which of them a row has.
pub(crate) fn entry(array: &dyn Array, row: usize) -> Option<(&dyn Array, usize)> {
    let values = array.as_any_dictionary_opt()?.values();
    // The keys of all rows would be converted for each of them.
    let one = array.slice(row, 1);
    let key = one.as_any_dictionary_opt()?.normalized_keys();
    Some((values, *key.first()?))
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int8Type;
    use arrow_array::{BinaryViewArray, DictionaryArray, LargeStringArray};

    use super::*;

    #[test]
    fn values_of_all_widths_are_read() {
        let words: DictionaryArray<Int8Type> = [Some("a"), None, Some("b"), Some("a")]
            .into_iter()
            .collect();
        let found: Vec<_> = (0..4).map(|row| text(&words, row)).collect();
        assert_eq!(found, [Some("a"), None, Some("b"), Some("a")]);
        let (values, row) = entry(&words, 2).unwrap();
        assert_eq!((text(values, row), values.len()), (Some("b"), 2));
        let large = LargeStringArray::from(vec![Some("c"), None]);
        assert_eq!(
            [text(&large, 0), text(&large, 1), None],
            [Some("c"), None, bytes(&large, 0).map(|_| "")]
        );
        let views = BinaryViewArray::from_iter_values([b"longer than twelve bytes".as_slice()]);
        assert_eq!(
            bytes(&views, 0),
            Some(b"longer than twelve bytes".as_slice())
        );
        assert!(entry(&views, 0).is_none());
    }
}
