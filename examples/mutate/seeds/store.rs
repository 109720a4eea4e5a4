//! Seeds for the files of a feature store.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float16Array, Float32Array,
    RecordBatch, StringArray,
};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{Field, Schema};
use frostline::features::{Dtype, fuzz};
use frostline::images::View;
use half::f16;
use serde_json::{Value, json};

use super::super::targets::store::{Store, spec};
use super::Seed;

/// Digests, views and features of a part.
type Columns = [ArrayRef; 3];

pub(super) fn parts() -> Vec<Seed> {
    let both = spec(&[View::Center, View::CenterFlipped]);
    let null_digest = |[digests, views, features]: Columns| {
        let digests = digests.as_fixed_size_binary();
        let known = digests.iter().enumerate();
        let known = known.map(|(row, digest)| digest.filter(|_| row != 1));
        let digests = FixedSizeBinaryArray::try_from_sparse_iter_with_size(known, 32);
        [
            Arc::new(digests.expect("they have 32 bytes")),
            views,
            features,
        ]
    };
    let null_features = |[digests, views, features]: Columns| {
        let numbers = features.as_fixed_size_list().values();
        let valid = vec![true, false, true].into();
        [
            digests,
            views,
            Arc::new(list(Arc::clone(numbers), 16, Some(valid))),
        ]
    };
    let of_numbers = |numbers: ArrayRef, width: i32| {
        move |[digests, views, _]: Columns| {
            [digests, views, Arc::new(list(numbers, width, None)) as _]
        }
    };
    let wider: ArrayRef = Arc::new(Float32Array::from(vec![0.5; 3 * 17]));
    let halves: ArrayRef = Arc::new(Float16Array::from(vec![f16::ONE; 3 * 16]));
    let nan: ArrayRef = Arc::new(Float32Array::from(vec![f32::NAN; 3 * 16]));
    let other_view = |[digests, _, features]: Columns| {
        let views: ArrayRef = Arc::new(StringArray::from(vec!["center", "hflip", "center"]));
        [digests, views, features]
    };
    let nothing = |columns: Columns| columns.map(|column| column.slice(0, 0));
    vec![
        Seed::accepted("three images", &Store::whole().part[..]),
        Seed::refused(
            "from a store of 16-bit features",
            Store::written(&spec(&[View::Center]), Dtype::F16).part,
        ),
        Seed::refused(
            "from a store with two views",
            Store::written(&both, Dtype::F32).part,
        ),
        Seed::refused(
            "17 features where the store has 16",
            changed_part(of_numbers(wider, 17)),
        ),
        Seed::refused(
            "16 bits where the store has 32",
            changed_part(of_numbers(halves, 16)),
        ),
        Seed::refused("a digest that is null", changed_part(null_digest)),
        Seed::refused("features that are null", changed_part(null_features)),
        Seed::refused(
            "features that are not finite",
            changed_part(of_numbers(nan, 16)),
        ),
        Seed::refused(
            "a view that the store does not have",
            changed_part(other_view),
        ),
        Seed::refused("no images", changed_part(nothing)),
    ]
}

fn list(
    numbers: ArrayRef,
    width: i32,
    valid: Option<arrow_array::BooleanArray>,
) -> FixedSizeListArray {
    let item = Arc::new(Field::new("item", numbers.data_type().clone(), false));
    let valid = valid.map(|valid| valid.values().clone().into());
    FixedSizeListArray::try_new(item, width, numbers, valid).expect("the lengths match")
}

/// Returns the part with other columns, the same manifest and a correct checksum.
fn changed_part(change: impl FnOnce(Columns) -> Columns) -> Vec<u8> {
    let reader = FileReader::try_new(Cursor::new(&Store::whole().part), None).expect("it is valid");
    let metadata = reader.schema().metadata().clone();
    let kept = reader.custom_metadata().clone();
    let batch = reader.flatten().next().expect("it has one batch");
    let columns = change([0, 1, 2].map(|column| Arc::clone(batch.column(column))));
    let batch = table(["digest", "view", "features"], &columns, metadata);
    let mut file = Vec::new();
    let mut writer =
        FileWriter::try_new(&mut file, &batch.schema()).expect("memory can be written to");
    for (key, value) in kept {
        writer.write_metadata(key, value);
    }
    writer
        .write(&batch)
        .and_then(|()| writer.finish())
        .expect("memory can be written to");
    drop(writer);
    assert!(fuzz::reseal(&mut file), "there is no room for the checksum");
    file
}

fn table(names: [&str; 3], columns: &Columns, metadata: arrow_schema::Metadata) -> RecordBatch {
    let fields: Vec<Field> = names
        .iter()
        .zip(columns)
        .map(|(name, column)| {
            Field::new(*name, column.data_type().clone(), column.null_count() > 0)
        })
        .collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    RecordBatch::try_new(schema, columns.to_vec()).expect("all columns match")
}

pub(super) fn indices() -> Vec<Seed> {
    vec![Seed::accepted(
        "three images and a file that is not an image",
        &Store::whole().index[..],
    )]
}

pub(super) fn stamps() -> Vec<Seed> {
    vec![Seed::accepted("three files", &Store::whole().stamps[..])]
}

pub(super) fn manifests() -> Vec<Seed> {
    let spec = |field: &str, value: Value| changed(|manifest| manifest["spec"][field] = value);
    let features =
        |number: Value| changed(|manifest| manifest["spec"]["backbone"]["num_features"] = number);
    vec![
        Seed::accepted("one view", &Store::whole().manifest[..]),
        Seed::refused("a web app's manifest", r#"{"name": "app", "icons": []}"#),
        Seed::refused("no view", spec("views", json!([]))),
        Seed::refused(
            "100,000 identical views",
            spec("views", vec!["center"; 100_000].into()),
        ),
        Seed::refused("no features", features(json!(0))),
        Seed::refused("17 features, but the part has 16", features(json!(17))),
        Seed::refused("2⁶³ features", features(json!(1_u64 << 63))),
        Seed::refused("deeply nested lists", "[".repeat(100_000)),
    ]
}

pub(super) fn shards() -> Vec<Seed> {
    let changed = |from: &str, to: &str| {
        let text = String::from_utf8(fuzz::shard_example()).expect("it is JSON");
        let mut changed = text.replace(from, to).into_bytes();
        assert!(fuzz::reseal(&mut changed), "the checksum is still there");
        changed
    };
    vec![
        Seed::accepted("one of three shards", fuzz::shard_example()),
        Seed::refused("a manifest", &Store::whole().manifest[..]),
        Seed::refused("a shard beyond the last", changed(": 1,", ": 3,")),
        Seed::refused("2³² - 1 shards", changed(": 3,", ": 4294967295,")),
        Seed::refused("a negative number", changed(": 2,", ": -2,")),
    ]
}

pub(super) fn roots() -> Vec<Seed> {
    let file = |version: u32, roots: Value| {
        let checksum = "0".repeat(64);
        let head = format!(r#""format":"frostline-roots","format_version":{version}"#);
        let text = format!(r#"{{{head},"roots":{roots},"checksum":"{checksum}"}}"#);
        let mut file = text.into_bytes();
        assert!(fuzz::reseal(&mut file), "it has a checksum");
        file
    };
    let beside = |path: &str| json!([{ "path": "/gone", "relative": path }]);
    vec![
        Seed::accepted("the folder of the store", file(1, beside(".."))),
        Seed::unharmed("far above the root", file(1, beside(&"../".repeat(10_000)))),
        Seed::refused("a NUL in a path", file(1, beside("\0"))),
        Seed::refused("a path that is not there", file(1, beside("../missing"))),
        Seed::refused(
            "257 roots",
            file(1, vec![json!({ "path": "/" }); 257].into()),
        ),
        Seed::refused("version 2", file(2, beside(".."))),
        Seed::refused(
            "no checksum",
            r#"{"format":"frostline-roots","format_version":1,"roots":[]}"#,
        ),
    ]
}

fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest = serde_json::from_slice(&Store::whole().manifest).expect("it is JSON");
    change(&mut manifest);
    manifest.to_string().into_bytes()
}
