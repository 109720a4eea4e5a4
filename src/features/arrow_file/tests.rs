//! Tests that Arrow's own reader reads these files, and that changed files are refused.

use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Int64Array, StringArray,
    UInt32Array, UInt64Array,
};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, Field};

use super::footer::VERSION_KEY;
use super::*;
use crate::error::{FileKind, FileProblem};

const LIMIT: u64 = 1 << 20;

/// Returns a schema with one column of each type used in a store.
fn schema_of(version: &str) -> Schema {
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let fields = vec![
        Field::new("text", DataType::Utf8, true),
        Field::new("key", DataType::FixedSizeBinary(3), true),
        Field::new("small", DataType::UInt32, true),
        Field::new("large", DataType::UInt64, false),
        Field::new("time", DataType::Int64, false),
        Field::new("list", DataType::FixedSizeList(item, 2), false),
    ];
    let metadata = HashMap::from([(VERSION_KEY.to_owned(), version.to_owned())]);
    Schema::new_with_metadata(fields, metadata)
}

fn schema() -> Schema {
    schema_of("2")
}

const TEXTS: [Option<&str>; 4] = [Some("añb"), None, Some(""), Some("c")];

/// Returns the rows from `from` on.
fn batch(from: usize) -> RecordBatch {
    let keys = [None, Some([1, 2, 3]), Some([4, 5, 6]), Some([7, 8, 9])];
    let keys = FixedSizeBinaryArray::try_from_sparse_iter_with_size(keys.into_iter(), 3).unwrap();
    let list = Float32Array::from(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(TEXTS.to_vec())),
        Arc::new(keys),
        Arc::new(UInt32Array::from(vec![Some(1), Some(2), None, None])),
        Arc::new(UInt64Array::from(vec![u64::MAX, 1, 2, 3])),
        Arc::new(Int64Array::from(vec![i64::MIN, -1, 0, 1])),
        Arc::new(FixedSizeListArray::try_new(item, 2, Arc::new(list), None).unwrap()),
    ];
    let whole = RecordBatch::try_new(Arc::new(schema()), columns).unwrap();
    whole.slice(from, 4 - from)
}

/// Returns a file of seven rows in three batches, one of them empty.
fn bytes() -> Vec<u8> {
    sealed(&schema(), [Ok(batch(0)), Ok(batch(4)), Ok(batch(1))]).unwrap()
}

fn parse(bytes: &[u8]) -> Result<Table, FileProblem> {
    match Table::of(bytes.to_vec(), |_| Ok(schema())) {
        Ok(table) => Ok(table),
        Err(Failure::File(problem)) => Err(problem),
        Err(Failure::System(error)) => panic!("{error}"),
    }
}

/// Returns all values as text, with `None` for null rows.
fn values(table: &Table) -> Result<String, FileProblem> {
    let mut all = Vec::new();
    let read = each_batch(table, |_, rows| {
        for row in 0..rows.len() {
            all.push(format!(
                "{:?} {:?} {:?} {:?} {:?} {:?}",
                rows.text(0, row),
                rows.fixed::<3>(1, row),
                rows.fixed(2, row).map(u32::from_le_bytes),
                rows.fixed(3, row).map(u64::from_le_bytes),
                rows.fixed(4, row).map(i64::from_le_bytes),
                rows.fixed::<8>(5, row)
                    .map(|both| [0, 4].map(|at| both[at + 3] | both[at + 2])),
            ));
        }
    });
    match read {
        Ok(()) => Ok(all.join("\n")),
        Err(Failure::File(problem)) => Err(problem),
        Err(Failure::System(error)) => panic!("{error}"),
    }
}

/// Passes the rows of each batch to `take`, with the number of the batch.
fn each_batch(table: &Table, mut take: impl FnMut(usize, &Rows<'_>)) -> Result<(), Failure> {
    let mut number = 0;
    while let Some(read) = table.batch(number, |rows| {
        take(number, rows);
        Ok(())
    }) {
        read?;
        number += 1;
    }
    Ok(())
}

fn check_batches(table: &Table, mut check: impl FnMut(usize, &Rows<'_>)) {
    let mut n = 0;
    let read = each_batch(table, |number, rows| {
        check(number, rows);
        n += 1;
    });
    read.unwrap();
    assert!(n > 0);
}

fn digits(file: &[u8]) -> &[u8] {
    &file[footer::place_of_seal(file, file.len() as u64).unwrap()]
}

#[test]
fn what_is_written_is_read_back() {
    let table = parse(&bytes()).unwrap();
    assert_eq!(table.seal(), Seal::Right);
    let first = r#"Some("añb") None Some(1) Some(18446744073709551615) Some(-9223372036854775808)"#;
    let values = values(&table).unwrap();
    assert!(values.starts_with(first), "{values}");
    assert_eq!(values.lines().count(), 7);
    let list: Vec<u8> = [2.0f32, 3.0, 4.0, 5.0, 6.0, 7.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    check_batches(&table, |number, rows| {
        assert_eq!(rows.len(), [4, 0, 3][number]);
        if number == 0 {
            for (row, text) in TEXTS.iter().enumerate() {
                assert_eq!(rows.text(0, row), *text);
            }
            // The column has another type, or there is no such row.
            assert_eq!(rows.text(1, 1), None);
            assert_eq!(rows.fixed::<4>(1, 1), None);
            assert_eq!(rows.fixed::<8>(3, 4), None);
        } else if number == 2 {
            assert_eq!(rows.bytes(5), list);
        }
    });
}

#[test]
fn arrow_reads_what_is_written() {
    let reader = FileReader::try_new(Cursor::new(bytes()), None).unwrap();
    assert_eq!(reader.schema().fields(), schema().fields());
    let columns = |batch: RecordBatch| batch.columns().to_vec();
    let read: Vec<_> = reader.map(|batch| columns(batch.unwrap())).collect();
    assert_eq!(read, [batch(0), batch(4), batch(1)].map(columns));
}

/// The checksum is the BLAKE3 hash of the file with zeros in place of the digits.
#[test]
fn the_checksum_is_of_the_whole_file() {
    let file = bytes();
    let mut blank = file.clone();
    let place = footer::place_of_seal(&file, file.len() as u64).unwrap();
    blank[place].fill(b'0');
    let wanted = blake3::hash(&blank).to_hex().to_string();
    assert_eq!(digits(&file), wanted.as_bytes());
}

#[test]
fn every_bit_counts() {
    let file = bytes();
    for bit in 0..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(parse(&flipped).is_err(), "bit {bit}");
        // With a recomputed checksum, values may change, but nothing else happens.
        if reseal(&mut flipped)
            && let Ok(table) = parse(&flipped)
        {
            assert_eq!(table.seal(), Seal::Right);
            let _ = values(&table);
        }
    }
}

#[test]
fn a_cut_file_is_told_from_a_foreign_one() {
    let file = bytes();
    for length in 0..file.len() {
        let problem = parse(&file[..length]).unwrap_err();
        assert!(
            matches!(problem, FileProblem::Cut(_)),
            "{length}: {problem}"
        );
    }
    for (extra, words) in [(1, "1 byte"), (9, "9 bytes"), (50_000, "50000 bytes")] {
        let longer = [file.clone(), vec![b'x'; extra]].concat();
        let problem = parse(&longer).unwrap_err().to_string();
        assert_eq!(problem, format!("damaged: it has {words} after its end"));
    }
    for foreign in [
        &b"PK\x03\x04"[..],
        b"no Arrow file, and not short",
        b"ARROW2",
    ] {
        let problem = parse(foreign).unwrap_err();
        assert!(matches!(problem, FileProblem::Foreign { .. }), "{problem}");
    }
    let other = Schema::new(schema().fields().clone());
    let file = sealed(&other, [Ok(batch(0))]);
    let problem = parse(&file.unwrap()).unwrap_err();
    assert!(matches!(problem, FileProblem::Foreign { .. }), "{problem}");
}

#[test]
fn a_version_is_one_that_is_known() {
    let with = |version| sealed(&schema_of(version), []).unwrap();
    for known in ["1", "2"] {
        assert_eq!(values(&parse(&with(known)).unwrap()).unwrap(), "");
    }
    let newer = FileProblem::Newer {
        found: 99,
        known: 2,
    };
    assert_eq!(parse(&with("99")).unwrap_err(), newer);
    for wrong in ["0", "-1", "two", ""] {
        let problem = parse(&with(wrong)).unwrap_err();
        assert!(matches!(problem, FileProblem::Damaged(_)), "{problem}");
    }
}

/// Reads a file as it was written before checksums were introduced.
#[test]
fn a_file_without_a_seal_is_read() {
    let mut writer = FileWriter::try_new(Vec::new(), &schema_of("1")).unwrap();
    writer.write(&batch(0)).unwrap();
    let mut file = writer.into_inner().unwrap();
    assert!(!reseal(&mut file));
    let table = parse(&file).unwrap();
    assert_eq!(table.seal(), Seal::Missing);
    check_batches(&table, |_, rows| assert_eq!(rows.text(0, 3), Some("c")));
}

#[test]
fn columns_are_compared_by_name_type_and_nulls() {
    let mut fields: Vec<Field> = schema().fields().iter().map(|f| Field::clone(f)).collect();
    let metadata = schema().metadata().clone();
    let item = |kind| Arc::new(Field::new("item", kind, false));
    for (column, other) in [
        (0, Field::new("texts", DataType::Utf8, true)),
        (0, Field::new("text", DataType::Utf8, false)),
        (0, Field::new("text", DataType::UInt32, true)),
        (1, Field::new("key", DataType::FixedSizeBinary(4), true)),
        (2, Field::new("small", DataType::UInt64, true)),
        (4, Field::new("time", DataType::UInt64, false)),
        (
            5,
            Field::new(
                "list",
                DataType::FixedSizeList(item(DataType::Float32), 3),
                false,
            ),
        ),
        (
            5,
            Field::new(
                "list",
                DataType::FixedSizeList(item(DataType::Float16), 2),
                false,
            ),
        ),
    ] {
        let own = std::mem::replace(&mut fields[column], other);
        let other = Schema::new_with_metadata(fields.clone(), HashMap::new())
            .with_metadata(metadata.clone());
        let file = sealed(&other, []).unwrap();
        let problem = parse(&file).unwrap_err().to_string();
        assert!(
            problem.contains("its columns do not match its format"),
            "{problem}"
        );
        fields[column] = own;
    }
    fields.pop();
    let fewer = Schema::new(fields).with_metadata(metadata);
    assert!(parse(&sealed(&fewer, []).unwrap()).is_err());
}

#[test]
fn older_metadata_and_compression_are_no_reason_to_panic() {
    let options = IpcWriteOptions::try_new(8, false, arrow_ipc::MetadataVersion::V4).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &schema(), options).unwrap();
    writer.write(&batch(0)).unwrap();
    let table = parse(&writer.into_inner().unwrap()).unwrap();
    check_batches(&table, |_, rows| assert_eq!(rows.text(0, 0), TEXTS[0]));
}

#[test]
fn ranges_of_a_file_are_read_as_bytes_in_memory_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, sealed(&schema(), [Ok(batch(0)), Ok(batch(1))])).unwrap();
    let file = open(&path, LIMIT).unwrap();
    let contents = Contents::find(Source::File(&file), |_| Ok(schema())).unwrap();
    assert_eq!(contents.seal, Seal::Unchecked);
    let table = Table::open(&path, LIMIT, |_| Ok(schema())).unwrap();
    check_batches(&table, |number, rows| {
        let found = &contents.batches[number];
        assert_eq!(found.rows as usize, rows.len());
        let bytes = Source::File(&file).range(&found.columns[3].values).unwrap();
        assert_eq!(bytes, rows.bytes(3));
    });
    let length = fs::metadata(&path).unwrap().len();
    for failed in [
        open(&path, length - 1).map_err(Failure::from).unwrap_err(),
        Table::open(&path, length - 1, |_| Ok(schema())).unwrap_err(),
    ] {
        let error = failed.of(&path, FileKind::StorePart);
        assert!(matches!(error, Error::File { .. }), "{error}");
    }
}
