//! The feature store is extended, resumed, locked, repaired and never mixed.

use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::{Array, FixedSizeListArray, Float32Array};
use frostline::error::{Error, FileKind};
use frostline::features::{
    Digest, Dtype, Existing, FeatureStore, Index, StoreManifest, StoreWriter, record_batch,
};
use frostline::images::View;

use crate::harness::{digest, features, index_row, manifest};

fn index(seeds: &[u8]) -> Index {
    seeds.iter().map(|&seed| index_row(seed, "a")).collect()
}

/// Writes a store with one part per seed.
fn store_of(folder: &Path, seeds: &[u8]) {
    let mut writer = StoreWriter::open(folder, manifest(), Existing::Extend).unwrap();
    for &seed in seeds {
        writer.push(digest(seed), &features(seed)).unwrap();
        writer.flush().unwrap();
    }
    writer.finish_run(&index(seeds), &[]).unwrap();
}

/// Reads the features of one image from a newly opened store.
fn read_one(folder: &Path, wanted: Digest) -> Vec<f32> {
    let store = FeatureStore::open(folder).unwrap();
    store.features(&[wanted]).unwrap().row(0).to_vec()
}

fn parts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut parts: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "arrow"))
        .collect();
    parts.retain(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("part-")
    });
    parts.sort();
    parts
}

#[test]
fn what_is_written_is_read_in_the_order_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    store_of(folder.path(), &[1, 2, 3]);
    let store = FeatureStore::open(folder.path()).unwrap();
    let read = store.features(&[digest(3), digest(1), digest(3)]).unwrap();
    for (row, seed) in [(0, 3), (1, 1), (2, 3)] {
        assert_eq!(read.row(row).to_vec(), features(seed));
    }
    assert_eq!(store.index(), &index(&[1, 2, 3]));
    assert_eq!(store.count_vectors().unwrap(), 3);
}

/// Writes a store of images 1 and 2 in one part, with an index in the given order.
fn one_part(folder: &Path, manifest: StoreManifest, order: &[u8]) -> FeatureStore {
    let mut writer = StoreWriter::open(folder, manifest, Existing::Extend).unwrap();
    for seed in [1, 2] {
        writer.push(digest(seed), &features(seed)).unwrap();
    }
    writer.finish_run(&index(order), &[]).unwrap();
    FeatureStore::open(folder).unwrap()
}

#[test]
fn the_features_of_one_part_are_an_array_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let span = one_part(folder.path(), manifest(), &[1, 2]).span().unwrap();
    let span = span.unwrap();
    assert_eq!(
        (&span.path, span.shape),
        (&parts(folder.path())[0], (2, 12))
    );
    let wanted: Vec<u8> = [features(1), features(2)]
        .concat()
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert!(fs::read(&span.path).unwrap()[span.offset as usize..].starts_with(&wanted));
}

#[test]
fn features_that_are_not_one_array_have_no_span() {
    let spans = |folder: &Path, manifest, order: &[u8]| {
        let span = one_part(folder, manifest, order).span();
        span.unwrap().is_some()
    };
    let [order, half, views] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    assert!(!spans(order.path(), manifest(), &[2, 1]));
    assert!(!spans(order.path(), manifest(), &[1]));
    let mut in_half = manifest();
    in_half.dtype = Dtype::F16;
    assert!(!spans(half.path(), in_half, &[1, 2]));
    store_of(views.path(), &[1, 2]);
    let two_parts = FeatureStore::open(views.path()).unwrap();
    assert_eq!(two_parts.span().unwrap(), None);
}

#[test]
fn a_table_has_a_row_for_each_image_of_the_last_run() {
    let folder = tempfile::tempdir().unwrap();
    let table = record_batch(&one_part(folder.path(), manifest(), &[2, 1, 2])).unwrap();
    let schema = table.schema();
    let names: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(
        names,
        ["path", "class", "digest", "width", "height", "features"]
    );
    let rows = table
        .column(5)
        .as_any()
        .downcast_ref::<FixedSizeListArray>()
        .unwrap();
    for (row, seed) in [(0, 2), (1, 1), (2, 2)] {
        let row = rows.value(row);
        let row = row.as_any().downcast_ref::<Float32Array>().unwrap();
        assert_eq!(row.values().to_vec(), features(seed));
    }
}

#[test]
fn half_precision_keeps_three_digits() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = manifest();
    manifest.dtype = frostline::features::Dtype::F16;
    let mut writer = StoreWriter::open(folder.path(), manifest, Existing::Extend).unwrap();
    writer.push(digest(1), &features(1)).unwrap();
    writer.finish().unwrap();
    // These values are multiples of 1/16 below 2, which float16 represents exactly.
    assert_eq!(read_one(folder.path(), digest(1)), features(1));
}

#[test]
fn a_store_is_extended_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    store_of(folder.path(), &[1, 2]);
    let mut writer = StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
    assert!(writer.knows(&digest(1)) && !writer.knows(&digest(9)));
    writer.push(digest(9), &features(9)).unwrap();
    writer.finish_run(&index(&[9]), &[]).unwrap();
    for seed in [1, 2, 9] {
        assert_eq!(read_one(folder.path(), digest(seed)), features(seed));
    }
    let store = FeatureStore::open(folder.path()).unwrap();
    assert_eq!(store.index(), &index(&[9]));
}

#[test]
fn two_writers_at_once_are_refused_and_readers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    store_of(folder.path(), &[1]);
    let writer = StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
    let second = StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap_err();
    assert!(matches!(second, Error::Locked { .. }), "{second}");
    assert_eq!(
        FeatureStore::open(folder.path())
            .unwrap()
            .count_vectors()
            .unwrap(),
        1
    );
    drop(writer);
    StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
}

#[test]
fn another_setting_is_another_store() {
    let folder = tempfile::tempdir().unwrap();
    store_of(folder.path(), &[1]);
    let mut other = manifest();
    other.spec.preprocessing.std = [0.5; 3];
    other.spec.backbone.layer = "other".to_owned();
    let error = StoreWriter::open(folder.path(), other.clone(), Existing::Extend)
        .unwrap_err()
        .to_string();
    for word in [
        "std",
        "0.229,0.224,0.225",
        "0.5,0.5,0.5",
        "`quarters`",
        "`other`",
    ] {
        assert!(error.contains(word), "`{word}` is missing from: {error}");
    }
    assert_eq!(
        FeatureStore::open(folder.path())
            .unwrap()
            .count_vectors()
            .unwrap(),
        1
    );
    StoreWriter::open(folder.path(), other, Existing::Overwrite).unwrap();
    assert_eq!(parts(folder.path()).len(), 0);
}

fn is_of_part(error: &Error) -> bool {
    let is_part = |kind: &FileKind| *kind == FileKind::StorePart;
    matches!(error, Error::File { kind, .. } if is_part(kind))
}

#[test]
fn a_cut_part_is_named_to_readers_and_mended_by_the_next_writer() {
    for share in [0, 1, 50, 99] {
        let folder = tempfile::tempdir().unwrap();
        store_of(folder.path(), &[1, 2]);
        let part = parts(folder.path()).remove(0);
        let bytes = fs::read(&part).unwrap();
        fs::write(&part, &bytes[..bytes.len() * share / 100]).unwrap();
        let store = FeatureStore::open(folder.path()).unwrap();
        let error = store.features(&[digest(2)]).unwrap_err();
        assert!(error.to_string().contains("part-00000.arrow"), "{error}");
        assert!(is_of_part(&error), "{error:?}");
        let mut writer = StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
        assert_eq!(writer.notes().len(), 1, "{:?}", writer.notes());
        assert!(!writer.knows(&digest(1)) && writer.knows(&digest(2)));
        writer.push(digest(1), &features(1)).unwrap();
        writer.finish_run(&index(&[1, 2]), &[]).unwrap();
        assert_eq!(read_one(folder.path(), digest(1)), features(1));
    }
}

#[test]
fn a_foreign_part_is_not_taken_in() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store_of(ours.path(), &[1]);
    let mut other = manifest();
    other.spec.backbone.sha256 = "1".repeat(64);
    let mut writer = StoreWriter::open(theirs.path(), other, Existing::Extend).unwrap();
    writer.push(digest(2), &features(2)).unwrap();
    writer.finish().unwrap();
    fs::copy(
        parts(theirs.path()).remove(0),
        ours.path().join("part-00007.arrow"),
    )
    .unwrap();
    let error = FeatureStore::open(ours.path())
        .unwrap()
        .count_vectors()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("another store") && error.contains("part-00007"),
        "{error}"
    );
    let writer = StoreWriter::open(ours.path(), manifest(), Existing::Extend).unwrap();
    assert!(!writer.knows(&digest(2)));
}

#[test]
fn cut_and_foreign_manifests_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    store_of(folder.path(), &[1]);
    let path = folder.path().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let cases = [
        (text[..text.len() / 2].to_owned(), "cut off"),
        (
            "{\"format\": \"other\"}".to_owned(),
            "not the manifest of a feature store",
        ),
    ];
    for (content, wanted) in cases {
        fs::write(&path, content).unwrap();
        let error = FeatureStore::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "important").unwrap();
    for existing in [Existing::Extend, Existing::Overwrite] {
        let error = StoreWriter::open(folder.path(), manifest(), existing).unwrap_err();
        assert!(
            error.to_string().contains("contains other files"),
            "{error}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Overwrites features in a part without changing its size.
fn damage(part: &Path, with: f32) {
    let mut bytes = fs::read(part).unwrap();
    // The features of seed 1 are 1, 1 + 1/16, …, stored as plain bytes.
    let first: Vec<u8> = features(1)[..3]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let at = bytes
        .windows(12)
        .position(|window| window == first)
        .unwrap();
    for i in 0..12 {
        bytes[at + 4 * i..][..4].copy_from_slice(&with.to_le_bytes());
    }
    fs::write(part, bytes).unwrap();
}

#[test]
fn numbers_that_changed_on_disk_are_never_read_and_computed_again() {
    for with in [0.5, f32::NAN] {
        let folder = tempfile::tempdir().unwrap();
        store_of(folder.path(), &[1, 2]);
        damage(&parts(folder.path())[0], with);
        let store = FeatureStore::open(folder.path()).unwrap();
        let error = store.features(&[digest(1)]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("part-00000.arrow` is damaged: its content does not match"),
            "{error}"
        );
        assert!(is_of_part(&error), "{error:?}");
        let streamed = store.stretches(&[digest(1)], &[View::Center]).unwrap_err();
        assert!(streamed.to_string().contains("checksum"), "{streamed}");
        let mut writer = StoreWriter::open(folder.path(), manifest(), Existing::Verify).unwrap();
        assert!(!writer.knows(&digest(1)) && writer.knows(&digest(2)));
        assert!(
            writer.notes()[0].contains("set aside"),
            "{:?}",
            writer.notes()
        );
        writer.push(digest(1), &features(1)).unwrap();
        writer.finish().unwrap();
        assert_eq!(read_one(folder.path(), digest(1)), features(1));
        let writer = StoreWriter::open(folder.path(), manifest(), Existing::Verify).unwrap();
        assert_eq!(writer.notes(), [""; 0]);
    }
}

#[test]
fn a_part_of_another_dtype_is_told_by_it() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store_of(ours.path(), &[1]);
    let mut half = manifest();
    half.dtype = Dtype::F16;
    let mut writer = StoreWriter::open(theirs.path(), half, Existing::Extend).unwrap();
    writer.push(digest(2), &features(2)).unwrap();
    writer.finish().unwrap();
    let part = parts(theirs.path()).remove(0);
    fs::copy(part, ours.path().join("part-00007.arrow")).unwrap();
    let store = FeatureStore::open(ours.path()).unwrap();
    let error = store.count_vectors().unwrap_err().to_string();
    assert!(
        error.contains("(dtype is f32 in the manifest and f16 in the part)"),
        "{error}"
    );
}

#[test]
fn another_engine_is_told_with_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    store_of(folder.path(), &[1]);
    let mut other = manifest();
    other.engine.device = "cuda:0".to_owned();
    let writer = StoreWriter::open(folder.path(), other, Existing::Extend).unwrap();
    let note = &writer.notes()[0];
    assert!(
        note.contains("device is ") && note.contains("cuda:0 in this run"),
        "{note}"
    );
    assert!(!note.contains("runtime is"), "{note}");
}
