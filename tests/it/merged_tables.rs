//! Tables of features in Parquet and Arrow, as engines write them, are merged into a store.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeListArray, Float16Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema};
use frostline::features::{Dtype, FeatureStore, MergeOptions, StoreManifest, merge};
use frostline::progress::Silent;
use half::f16;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::harness::{digest, features, manifest};

/// A table of two images and a failed one, as `pyspark` writes it, with the manifest in its metadata.
pub(crate) fn table(manifest: &StoreManifest) -> RecordBatch {
    let digests = [1, 2].map(|seed| digest(seed).0);
    let digests = [Some(&digests[0][..]), Some(&digests[1][..]), None];
    let mut lists = ListBuilder::new(Float32Builder::new());
    for seed in [1, 2] {
        lists.values().append_slice(&features(seed));
        lists.append(true);
    }
    lists.append(false);
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "id",
            Arc::new(StringArray::from(vec!["b/2.png", "a/1.png", "a/bad.png"])),
        ),
        (
            "digest",
            Arc::new(BinaryArray::from_opt_vec(digests.to_vec())),
        ),
        ("features", Arc::new(lists.finish())),
        (
            "width",
            Arc::new(Int64Array::from(vec![Some(4), Some(5), None])),
        ),
        (
            "height",
            Arc::new(Int64Array::from(vec![Some(3), Some(6), None])),
        ),
        (
            "status",
            Arc::new(StringArray::from(vec!["ok", "ok", "failed: it is empty"])),
        ),
        (
            "label",
            Arc::new(StringArray::from(vec![Some("b"), Some("a"), None])),
        ),
        ("other", Arc::new(Int64Array::from(vec![7, 8, 9]))),
    ];
    with_metadata(&RecordBatch::try_from_iter(columns).unwrap(), manifest)
}

fn with_metadata(batch: &RecordBatch, manifest: &StoreManifest) -> RecordBatch {
    let metadata = HashMap::from([("frostline.manifest".to_owned(), manifest.to_json())]);
    let schema = batch.schema().as_ref().clone().with_metadata(metadata);
    batch.clone().with_schema(Arc::new(schema)).unwrap()
}

pub(crate) fn write_parquet(path: &Path, batch: &RecordBatch) {
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn write_arrow(path: &Path, batch: &RecordBatch) {
    let mut writer = FileWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

/// Replaces a column.
pub(crate) fn replaced(
    batch: &RecordBatch,
    name: &str,
    column: impl Array + 'static,
) -> RecordBatch {
    let column: ArrayRef = Arc::new(column);
    let fields = batch.schema();
    let columns = fields
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, old)| {
            let column = if field.name() == name { &column } else { old };
            (field.name().clone(), Arc::clone(column))
        });
    let new = RecordBatch::try_from_iter(columns).unwrap();
    let schema =
        Schema::new(new.schema().fields().clone()).with_metadata(fields.metadata().clone());
    new.with_schema(Arc::new(schema)).unwrap()
}

pub(crate) fn merged(sources: &[&Path], output: &Path) -> Result<FeatureStore, String> {
    let sources = sources.iter().map(|path| path.to_path_buf()).collect();
    merge(&MergeOptions::new(sources, output.to_owned()), &Silent).map_err(|e| e.to_string())?;
    FeatureStore::open(output).map_err(|e| e.to_string())
}

#[track_caller]
fn check(store: &FeatureStore) {
    let rows: Vec<_> = store.index().rows().collect();
    let paths: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    assert_eq!(paths, ["a/1.png", "a/bad.png", "b/2.png"]);
    assert_eq!(rows[1].content, Err("it is empty".to_owned()));
    assert_eq!(rows[0].class.as_deref(), Some("a"));
    let size = rows[0].content.as_ref().unwrap();
    assert_eq!((size.width, size.height), (5, 6));
    let found = store.features(&[digest(1), digest(2)]).unwrap();
    assert_eq!(found.row(0).to_vec(), features(1));
    assert_eq!(found.row(1).to_vec(), features(2));
}

#[test]
fn tables_become_parts() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let table = table(&manifest());
    write_parquet(&place("a.parquet"), &table);
    write_arrow(&place("a.arrow"), &table);
    check(&merged(&[&place("a.parquet")], &place("of-parquet")).unwrap());
    check(&merged(&[&place("a.arrow")], &place("of-arrow")).unwrap());
    // A folder as Spark leaves it, and the same images twice.
    std::fs::create_dir(place("spark")).unwrap();
    write_parquet(&place("spark/part-0.snappy.parquet"), &table);
    write_parquet(&place("spark/part-1.snappy.parquet"), &table.slice(0, 1));
    std::fs::write(place("spark/_SUCCESS"), "").unwrap();
    std::fs::write(place("spark/.part-0.snappy.parquet.crc"), "crc").unwrap();
    check(&merged(&[&place("spark")], &place("of-spark")).unwrap());
    // A store, a table and an engine's output agree with each other.
    let sources = ["of-arrow", "a.parquet", "spark"].map(place);
    let sources = sources.each_ref().map(std::path::PathBuf::as_path);
    let all = merged(&sources, &place("of-all")).unwrap();
    check(&all);
    assert_eq!(all.count_vectors().unwrap(), 2);
}

/// Spark writes no metadata of a schema, but its own schema as JSON, with the metadata of columns.
#[test]
fn the_manifest_may_be_that_of_a_column_of_spark() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let write = |name: &str, column: &str, text: String| {
        let spark = serde_json::json!({"type": "struct", "fields": [
            {"name": "id", "type": "string", "nullable": true, "metadata": {}},
            {"name": column, "type": {"type": "array", "elementType": "float", "containsNull": true},
             "nullable": true, "metadata": {"frostline.manifest": text}},
        ]});
        let key = "org.apache.spark.sql.parquet.row.metadata".to_owned();
        let pair = KeyValue::new(key, spark.to_string());
        let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![pair]));
        let options = ArrowWriterOptions::new()
            .with_properties(properties.build())
            .with_skip_arrow_metadata(true);
        let (file, table) = (File::create(place(name)).unwrap(), table(&manifest()));
        let mut writer = ArrowWriter::try_new_with_options(file, table.schema(), options).unwrap();
        writer.write(&table).unwrap();
        writer.close().unwrap();
    };
    write("a.parquet", "features", manifest().to_json());
    check(&merged(&[&place("a.parquet")], &place("store")).unwrap());
    for (column, text, words) in [
        ("id", manifest().to_json(), "has no `frostline.manifest`"),
        ("features", "{}".to_owned(), "its manifest cannot be read"),
    ] {
        write("b.parquet", column, text);
        let said = merged(&[&place("b.parquet")], &place("other")).unwrap_err();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn half_precision_and_hex_digests_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let numbers: Vec<f16> = [1, 2, 9]
        .into_iter()
        .flat_map(features)
        .map(f16::from_f32)
        .collect();
    let item = Arc::new(Field::new("item", DataType::Float16, false));
    let lists = FixedSizeListArray::new(item, 12, Arc::new(Float16Array::from(numbers)), None);
    let hex = StringArray::from(vec![
        Some(digest(1).to_string()),
        Some(digest(2).to_string()),
        None,
    ]);
    let table = replaced(&table(&manifest()), "features", lists);
    let table = replaced(&table, "digest", hex);
    write_parquet(&place("a.parquet"), &table);
    // These values are exact in 16 bits.
    check(&merged(&[&place("a.parquet")], &place("store")).unwrap());
}

#[test]
fn what_is_no_table_of_these_features_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let good = table(&manifest());
    let without = |name: &str| {
        let schema = good.schema();
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|&i| schema.field(i).name() != name)
            .collect();
        good.project(&kept).unwrap()
    };
    let bare = good.schema().as_ref().clone().with_metadata(HashMap::new());
    let mut lists = ListBuilder::new(Float32Builder::new());
    for value in [1.0, f32::NAN, 0.0] {
        lists.values().append_slice(&[value; 12]);
        lists.append(true);
    }
    let short = |n: usize| {
        let mut lists = ListBuilder::new(Float32Builder::new());
        for _ in 0..3 {
            lists.values().append_slice(&vec![1.0; n]);
            lists.append(true);
        }
        lists.finish()
    };
    let nameless = StringArray::from(vec![Some("a"), None, Some("c")]);
    let cases: Vec<(RecordBatch, &str)> = vec![
        (without("digest"), "has no column `digest`"),
        (without("id"), "has no column `path` or `id`"),
        (
            RecordBatch::try_new(Arc::new(bare), good.columns().to_vec()).unwrap(),
            "metadata has no `frostline.manifest`",
        ),
        (
            replaced(&good, "features", lists.finish()),
            "row 2 has a feature that is not finite",
        ),
        (
            replaced(&good, "features", short(11)),
            "row 1 has 11 features, not 12",
        ),
        (replaced(&good, "id", nameless), "row 2 has no path"),
        (
            replaced(&good, "digest", StringArray::from(vec!["ab", "cd", "ef"])),
            "row 1 has no digest, width or height",
        ),
    ];
    for (number, (batch, words)) in cases.into_iter().enumerate() {
        let path = place(&format!("{number}.parquet"));
        write_parquet(&path, &batch);
        let said = merged(&[&path], &place("store")).unwrap_err();
        assert!(
            said.contains(words) && said.contains(&format!("{number}.parquet")),
            "{said}"
        );
    }
    let mut other = manifest();
    other.spec.backbone.layer = "halves".to_owned();
    write_parquet(&place("other.parquet"), &table(&other));
    write_parquet(&place("good.parquet"), &good);
    let said = merged(
        &[&place("good.parquet"), &place("other.parquet")],
        &place("store"),
    )
    .unwrap_err();
    assert!(
        said.contains("halves") && said.contains("quarters"),
        "{said}"
    );
    assert!(!place("store").exists());
}

/// A file that is cut or has a flipped bit gives an error or the same rows, and never a panic.
#[test]
fn damaged_tables_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for (name, write) in [
        ("a.parquet", write_parquet as fn(&Path, &RecordBatch)),
        ("a.arrow", write_arrow),
    ] {
        let path = place(name);
        write(&path, &table(&manifest()));
        let bytes = std::fs::read(&path).unwrap();
        for step in 0..150 {
            let at = step * bytes.len() / 150;
            std::fs::write(&path, &bytes[..at]).unwrap();
            merged(&[&path], &place("store")).unwrap_err();
            assert!(!place("store").exists());
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (step % 8);
            std::fs::write(&path, flipped).unwrap();
            let _ = merged(&[&path], &place("store"));
            let _ = std::fs::remove_dir_all(place("store"));
        }
    }
}

/// Not the temporary folder in which a new store is filled.
#[test]
fn errors_name_the_tables_and_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let table = table(&manifest());
    let mut lists = ListBuilder::new(Float32Builder::new());
    for seed in [1, 3] {
        lists.values().append_slice(&features(seed));
        lists.append(true);
    }
    lists.append(false);
    write_parquet(&place("a.parquet"), &table.slice(0, 1));
    write_parquet(&place("b.parquet"), &table.slice(1, 2));
    write_parquet(
        &place("c.parquet"),
        &replaced(&table, "features", lists.finish()),
    );
    let tables = ["a", "b", "c"].map(|name| place(&format!("{name}.parquet")));
    let error = merged(&tables.each_ref().map(|path| &**path), &place("new")).unwrap_err();
    let said = format!("`{}` and `{}`", tables[1].display(), tables[2].display());
    assert!(error.contains(&said), "{error}");
    // A value that 16 bits cannot hold.
    let mut halves = manifest();
    halves.dtype = Dtype::F16;
    let mut lists = ListBuilder::new(Float32Builder::new());
    for _ in 0..2 {
        lists.values().append_slice(&vec![1e6; features(1).len()]);
        lists.append(true);
    }
    lists.append(false);
    let large = replaced(&self::table(&halves), "features", lists.finish());
    write_parquet(&place("large.parquet"), &large);
    let error = merged(&[&place("large.parquet")], &place("new")).unwrap_err();
    let said = format!(
        "cannot store the features of an image in `{}`",
        place("new").display()
    );
    assert!(error.starts_with(&said), "{error}");
}
