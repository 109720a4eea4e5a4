//! Reads label files in Parquet.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::columns::{LabelColumns, Places};
use super::row::Raw;
use super::text::Add;
use crate::caught::caught;
use crate::images::{LabelColumn, cell};

/// The rows that are read at a time.
const ROWS: usize = 1024;

/// Passes all rows to `add`, and returns the name of the column with the images, or what is wrong.
pub(super) fn read(bytes: Vec<u8>, columns: &LabelColumns, add: Add<'_>) -> Result<String, String> {
    caught(
        || rows(bytes.into(), columns, add),
        |panic| format!("it is damaged: {panic}"),
    )
}

fn rows(bytes: Bytes, columns: &LabelColumns, add: Add<'_>) -> Result<String, String> {
    // The types are those of the file, whatever types its writer had in memory.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options);
    let builder = builder.map_err(|error| error.to_string())?;
    let schema = builder.schema().clone();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| &**field.name())
        .collect();
    let places = columns.places(&names)?;
    for place in [places.key, places.label] {
        let kind = schema.field(place).data_type();
        if !is_text(kind) && (place == places.label || !is_binary(kind)) {
            return Err(format!("its column `{}` is {kind}, not text", names[place]));
        }
    }
    let wanted = [
        Some(places.key),
        Some(places.label),
        places.status,
        places.probability,
    ];
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.into_iter().flatten());
    let batches = builder.with_projection(mask).with_batch_size(ROWS).build();
    // The names of labels that are numbers.
    let described = LabelColumn::of(&schema, names[places.label]).ok();
    let described = described.filter(|column| column.name == names[places.label]);
    let mut line = 0;
    for batch in batches.map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        add_batch(&batch, (&names, places), described.as_ref(), &mut line, add)?;
    }
    Ok(names[places.key].to_owned())
}

fn add_batch(
    batch: &RecordBatch,
    (names, places): (&[&str], Places),
    described: Option<&LabelColumn>,
    line: &mut u32,
    add: Add<'_>,
) -> Result<(), String> {
    let column = |place: usize| batch.column_by_name(names[place]).map(|column| &**column);
    let [key, label] = [places.key, places.label].map(column);
    let [status, probability] =
        [places.status, places.probability].map(|place| place.and_then(column));
    for row in 0..batch.num_rows() {
        let cell = |column: Option<&dyn Array>| {
            column
                .and_then(|column| text(column, row))
                .unwrap_or_default()
        };
        let label = cell(label);
        *line = line.checked_add(1).ok_or("it has too many rows")?;
        add(Raw {
            line: *line,
            key: &cell(key),
            // Datasets mark images without a class by -1, which has no name.
            label: described
                .map_or(Some(&*label), |column| column.class(&label))
                .unwrap_or_default(),
            status: &cell(status),
            probability: &cell(probability),
        })?;
    }
    Ok(())
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Boolean
        | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        kind => kind.is_integer(),
    }
}

fn is_binary(kind: &DataType) -> bool {
    use DataType::{Binary, BinaryView, FixedSizeBinary, LargeBinary};
    matches!(kind, Binary | LargeBinary | BinaryView | FixedSizeBinary(_))
}

/// Returns a value as text, binary ones in hex.
fn text(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Float32 => Some(column.as_primitive::<Float32Type>().value(row).to_string()),
        DataType::Float64 => Some(column.as_primitive::<Float64Type>().value(row).to_string()),
        DataType::FixedSizeBinary(_) => Some(hex(column.as_fixed_size_binary().value(row))),
        kind if is_binary(kind) => cell::bytes(column, row).map(hex),
        _ => cell::text_or_number(column, row),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
