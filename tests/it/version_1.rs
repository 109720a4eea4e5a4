//! Stores of format version 1, whose files have no checksums, can be read; the next writer adds checksums in
//! place.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder, UInt32Builder};
use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, RecordBatch, StringArray,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema};
use frostline::features::{
    Digest, Existing, FeatureStore, Index, Numbers, StoreManifest, StoreWriter,
};
use frostline::images::View;

use crate::harness::{Place, contents, digest, features, index_row, manifest, two_classes};

/// Writes an Arrow file as version 1 did; each column is `(name, values, nullable)`.
fn write(path: &Path, columns: Vec<(&str, ArrayRef, bool)>, manifest: Option<&str>) {
    let mut metadata = HashMap::from([("format_version".to_owned(), "1".to_owned())]);
    metadata.extend(manifest.map(|text| ("manifest".to_owned(), text.to_owned())));
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column, nullable)| Field::new(*name, column.data_type().clone(), *nullable))
        .collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let columns = columns.into_iter().map(|(_, column, _)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut writer = FileWriter::try_new(fs::File::create(path).unwrap(), &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

/// Writes a part with one view of each image.
pub(crate) fn write_part(path: &Path, rows: &[(Digest, Vec<f32>)], manifest: &str) {
    let digests = rows.iter().map(|(digest, _)| digest.0);
    let digests = FixedSizeBinaryArray::try_from_iter(digests).unwrap();
    let views = StringArray::from(vec!["center"; rows.len()]);
    let width = rows[0].1.len() as i32;
    let values: Vec<f32> = rows.iter().flat_map(|(_, row)| row.clone()).collect();
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let values = Arc::new(Float32Array::from(values));
    let features = FixedSizeListArray::try_new(item, width, values, None).unwrap();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("digest", Arc::new(digests), false),
        ("view", Arc::new(views), false),
        ("features", Arc::new(features), false),
    ];
    write(path, columns, Some(manifest));
}

fn write_index(path: &Path, index: &Index) {
    let [mut name, mut class, mut reason] = [(); 3].map(|()| StringBuilder::new());
    let (mut width, mut height) = (UInt32Builder::new(), UInt32Builder::new());
    let mut digest = FixedSizeBinaryBuilder::new(32);
    for row in index.rows() {
        let content = row.content.as_ref().unwrap();
        name.append_value(&row.path);
        class.append_option(row.class.as_deref());
        digest.append_value(content.digest.0).unwrap();
        width.append_value(content.width);
        height.append_value(content.height);
        reason.append_null();
    }
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("path", Arc::new(name.finish()), false),
        ("class", Arc::new(class.finish()), true),
        ("digest", Arc::new(digest.finish()), true),
        ("width", Arc::new(width.finish()), true),
        ("height", Arc::new(height.finish()), true),
        ("reason", Arc::new(reason.finish()), true),
    ];
    write(path, columns, None);
}

/// Returns the text of a manifest as version 1 wrote it.
pub(crate) fn text_of(manifest: &StoreManifest) -> String {
    let mut value: serde_json::Value = serde_json::from_str(&manifest.to_json()).unwrap();
    value["format_version"] = 1.into();
    value.as_object_mut().unwrap().remove("checksum");
    serde_json::to_string_pretty(&value).unwrap()
}

const SEEDS: [u8; 5] = [1, 2, 3, 4, 5];

fn index() -> Index {
    let rows = SEEDS.map(|seed| index_row(seed, "a"));
    rows.into_iter().collect()
}

fn part(store: &Path, number: usize) -> std::path::PathBuf {
    store.join(format!("part-{number:05}.arrow"))
}

/// Writes a store of five images in parts of two, two and one, computed by another engine.
fn store(folder: &Path) {
    let mut own = manifest();
    "cuda:0".clone_into(&mut own.engine.device);
    fs::write(folder.join("manifest.json"), text_of(&own)).unwrap();
    for (number, seeds) in SEEDS.chunks(2).enumerate() {
        let rows: Vec<_> = seeds.iter().map(|&s| (digest(s), features(s))).collect();
        write_part(&part(folder, number), &rows, &text_of(&own));
    }
    write_index(&folder.join("index.arrow"), &index());
}

fn is_sealed(file: &Path) -> bool {
    let bytes = fs::read(file).unwrap();
    bytes.windows(6).any(|window| window == b"sealed")
}

/// Reads the whole store in every supported way.
fn assert_reads(folder: &Path) {
    let store = FeatureStore::open(folder).unwrap();
    assert_eq!(store.index(), &index());
    assert_eq!(store.count_vectors().unwrap(), 5);
    let digests = SEEDS.map(digest);
    let whole = store.features(&digests).unwrap();
    for (row, seed) in whole.outer_iter().zip(SEEDS) {
        assert_eq!(row.to_vec(), features(seed));
    }
    let stretches = store.stretches(&digests, &[View::Center]).unwrap();
    for stretch in 0..stretches.len() {
        let mut numbers = Numbers::new(manifest().dtype);
        stretches.read(stretch, &mut numbers).unwrap();
        let images = stretches.images(stretch);
        let wanted: Vec<f32> = images.flat_map(|image| features(SEEDS[image])).collect();
        assert_eq!(numbers.widened(), wanted);
    }
}

#[test]
fn a_store_of_version_1_is_read_and_sealed_by_the_next_writer() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let parts = [0, 1, 2].map(|number| part(folder.path(), number));
    let version = || FeatureStore::open(folder.path()).unwrap().format_version();
    assert_reads(folder.path());
    assert_eq!(version(), 1);
    assert!(!parts.iter().any(|part| is_sealed(part)));
    let writer = StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
    assert!(SEEDS.iter().all(|&seed| writer.knows(&digest(seed))));
    assert_eq!(writer.count(), 5);
    let mut reader = writer.reader();
    for seed in SEEDS {
        let read = writer.features(&digest(seed), &mut reader).unwrap();
        assert_eq!(read, features(seed));
    }
    writer.finish_run(&index(), &[]).unwrap();
    assert!(parts.iter().all(|part| is_sealed(part)));
    assert_eq!(version(), 2);
    for part in &parts {
        let text = fs::read(part).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("cuda:0"), "the engine is lost");
    }
    assert_reads(folder.path());
    let sealed = parts.each_ref().map(|part| fs::read(part).unwrap());
    drop(StoreWriter::open(folder.path(), manifest(), Existing::Verify).unwrap());
    assert_eq!(parts.map(|part| fs::read(part).unwrap()), sealed);
}

/// The next writer was killed between two parts, with half of one written.
#[test]
fn a_store_that_is_sealed_in_part_is_read_and_completed() {
    for done in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path());
        let parts = [0, 1, 2].map(|number| part(folder.path(), number));
        let old = parts.each_ref().map(|part| fs::read(part).unwrap());
        drop(StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap());
        for (part, old) in parts.iter().zip(&old).skip(done) {
            fs::write(part, old).unwrap();
        }
        let half = folder.path().join(".frostline-abcdefghij012345.tmp");
        fs::write(&half, &old[done][..old[done].len() / 2]).unwrap();
        assert_reads(folder.path());
        let writer = StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
        assert_eq!(writer.count(), 5);
        drop(writer);
        assert_reads(folder.path());
        assert!(parts.iter().all(|part| is_sealed(part)) && !half.exists());
    }
}

/// Rewrites a store as version 1 wrote it, with one part per image.
fn make_older(store: &Path) {
    let (_, features) = contents(store.to_str().unwrap());
    let own = FeatureStore::open(store).unwrap().manifest().clone();
    for (number, row) in features.into_iter().enumerate() {
        write_part(&part(store, number), &[row], &text_of(&own));
    }
}

#[test]
fn a_run_that_is_killed_while_it_seals_leaves_a_store_that_reads() {
    const MOMENTS: u32 = 8;
    const EXTRACT: &str = "extract {dir}/images -o {dir}/store";
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 30, 0);
    place.frostline(EXTRACT).exits(0);
    let store = place.folder().join("store");
    let clean = contents(&place.path("store"));
    make_older(&store);
    let begin = Instant::now();
    place
        .frostline(EXTRACT)
        .exits(0)
        .says(&["0 computed, 60 reused"]);
    let took = begin.elapsed();
    let sealed = || (0..60).filter(|&n| is_sealed(&part(&store, n))).count();
    assert_eq!(sealed(), 60);
    let mut halves = 0;
    for moment in 0..MOMENTS {
        make_older(&store);
        let mut command = place.command(EXTRACT);
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = silent.spawn().unwrap();
        thread::sleep(took * (moment + 1) / (MOMENTS + 1));
        child.kill().unwrap();
        child.wait().unwrap();
        halves += u32::from((1..60).contains(&sealed()));
        assert_eq!(contents(&place.path("store")), clean, "moment {moment}");
        let ran = place.frostline(EXTRACT).exits(0);
        ran.says(&["0 computed, 60 reused"]);
        assert_eq!(contents(&place.path("store")), clean, "moment {moment}");
        assert_eq!(sealed(), 60);
    }
    // On a busy machine every moment may be too early or too late.
    eprintln!("{halves} of {MOMENTS} runs were killed between two parts");
}
