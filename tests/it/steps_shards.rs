//! Shards of a run: each image belongs to one of them, and a store holds one.

use std::collections::BTreeSet;
use std::fs;

use frostline::features::{Digest, Existing, FeatureStore, StoreWriter};

use crate::harness::{self, Place, Tree, contents, run, two_classes};

/// Returns the paths in a store's index.
pub(crate) fn names(store: &str) -> Vec<String> {
    let (index, _) = contents(store);
    index.rows().map(|row| row.path).collect()
}

/// Returns the files of a store, without those that another run may change: the lock names its process, and
/// stamps are kept only of older files.
fn files(place: &Place, store: &str) -> Tree {
    let mut files = harness::tree(&place.folder().join(store));
    files.retain(|path, _| !path.ends_with(".lock") && !path.ends_with("stamps.arrow"));
    files
}

#[test]
fn shards_divide_the_images_and_one_may_be_empty() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 3, 0);
    let extract = |shard: &str| {
        let to = shard.replace('/', "-");
        let line = format!("extract {{dir}}/images --shard {shard} -o {{dir}}/{to}");
        place
            .frostline(&line)
            .exits(0)
            .says(&[&format!("shard     {shard}")]);
        names(&place.path(&to))
    };
    let mut all = BTreeSet::new();
    for shard in 0..8 {
        let found = extract(&format!("{shard}/8"));
        let count = found.len();
        let before = all.len();
        all.extend(found);
        assert_eq!(all.len(), before + count, "an image is in two shards");
    }
    assert_eq!(all.len(), 6);
    // BLAKE3 puts `blue/0.png` into shard 51 of 64 and none of the six into shard 0.
    assert!(extract("0/64").is_empty());
    place.frostline("features show {dir}/0-64").exits(0);
    place
        .frostline("extract {dir}/images --shard 0/64 -o {dir}/0-64 --format json")
        .exits(0);
    // Another image moves none.
    let before = extract("1/2");
    two_classes(&place.folder().join("images"), 4, 0);
    let after = extract("1/2");
    assert!(before.iter().all(|name| after.contains(name)));
}

#[test]
fn a_store_holds_one_shard() {
    let Some(place) = Place::fitted() else { return };
    place
        .frostline("extract {dir}/images --shard 1/2 -o {dir}/half")
        .exits(0);
    let before = files(&place, "half");
    for (line, words) in [
        (
            "--shard 0/2 -o {dir}/half",
            "half` holds shard 1/2, not shard 0/2",
        ),
        (
            "--shard 1/3 -o {dir}/half",
            "half` holds shard 1/2, not shard 1/3",
        ),
        (
            "-o {dir}/half",
            "half` holds shard 1/2, not all images of a run",
        ),
        (
            "--shard 1/2 -o {dir}/store",
            "store` holds all images of a run, not shard 1/2",
        ),
    ] {
        let ran = place.frostline(&format!("extract {{dir}}/images {line}"));
        ran.exits(1).says(&[words, "a folder of its own"]);
    }
    assert!(files(&place, "half") == before);
    // A damaged record is rewritten by the run that wrote it.
    fs::write(place.path("half/shard.json"), "{").unwrap();
    place
        .frostline("extract {dir}/images -o {dir}/half")
        .exits(1)
        .says(&["shard.json` is damaged", "it rebuilds the record"]);
    place
        .frostline("extract {dir}/images --shard 1/2 -o {dir}/half")
        .exits(0)
        .says(&["it was rewritten"]);
    assert!(files(&place, "half") == before);
    let line = "extract {dir}/images -o {dir}/half --overwrite";
    place.frostline(line).exits(0);
    assert!(!place.folder().join("half/shard.json").exists());
}

#[test]
fn shards_are_numbered_from_0() {
    let place = Place::empty();
    for (shard, words) in [
        (
            "16/16",
            "shards are numbered from 0, so the last one is 15/16",
        ),
        ("3", "it is not a shard I/N, such as `0/16`"),
        ("0/0", "N must be at least 1"),
    ] {
        let line = format!("extract {{dir}} --shard {shard} -o {{dir}}/store");
        place.frostline(&line).exits(2).says(&[words]);
    }
}

#[test]
fn a_list_in_a_file_is_one_on_standard_input() {
    let Some(place) = Place::fitted() else { return };
    let paths: Vec<String> = ["red/1", "blue/0", "none", "red/5", "blue/4"]
        .map(|name| place.path(&format!("images/{name}.png")))
        .into();
    fs::write(place.path("list"), paths.join("\n")).unwrap();
    let line = "extract --list {dir}/list -o {dir}/listed";
    place.frostline(line).exits(3).says(&["none.png"]);
    assert_eq!(names(&place.path("listed")), paths);
    let mut shards = Vec::new();
    for shard in 0..3 {
        let line = format!("extract --list {{dir}}/list --shard {shard}/3 -o {{dir}}/{shard}");
        place.frostline(&line);
        shards.extend(names(&place.path(&shard.to_string())));
    }
    shards.sort();
    let mut sorted = paths.clone();
    sorted.sort();
    assert_eq!(shards, sorted);
    fs::write(place.path("list"), paths.join("\0")).unwrap();
    place
        .frostline("extract --list {dir}/list -0 -o {dir}/nul")
        .exits(3);
    assert_eq!(names(&place.path("nul")), paths);
    let from_stdin = || {
        let mut command = place.command("extract - -o {dir}/nul");
        run(command.stdin(fs::File::open(place.path("list")).unwrap()))
    };
    let said = ["it contains NUL bytes", "add -0"];
    from_stdin()
        .exits(1)
        .says(&said)
        .says(&["cannot read `standard input`"]);
    let line = "extract --list {dir}/list --shard 0/2 -o {dir}/nul";
    let unreadable = format!("cannot read `{}`", place.path("list"));
    place
        .frostline(line)
        .exits(1)
        .says(&said)
        .says(&[&unreadable]);
    fs::write(place.path("list"), "").unwrap();
    let empty = format!("the list of images in `{}` is empty", place.path("list"));
    place
        .frostline("extract --list {dir}/list -o {dir}/nothing")
        .exits(0)
        .says(&[&empty]);
    from_stdin()
        .exits(0)
        .says(&["the list of images on standard input is empty"]);
    place
        .frostline("extract {dir}/images --list {dir}/list -o {dir}/both")
        .exits(2)
        .says(&["images can be named or listed in a file, not both"]);
    place
        .frostline("extract --list {dir}/missing -o {dir}/both")
        .exits(1)
        .says(&["cannot read", "missing"]);
}

#[test]
fn only_failed_images_are_tried_again() {
    let Some(place) = Place::fitted() else { return };
    let bad = |name: &str| place.path(&format!("images/{name}.png"));
    let whole = fs::read(bad("red/1")).unwrap();
    fs::write(bad("red/1"), "<html>").unwrap();
    fs::write(bad("blue/9"), "<html>").unwrap();
    place
        .frostline("extract {dir}/images -o {dir}/store")
        .exits(3);
    let (before, _) = contents(&place.path("store"));
    fs::write(bad("red/1"), &whole).unwrap();
    // An image that is gone, and a new one, are not looked at.
    fs::remove_file(bad("red/0")).unwrap();
    fs::copy(bad("blue/0"), bad("blue/new")).unwrap();
    let line = "extract {dir}/images -o {dir}/store --retry-failed";
    let ran = place.frostline(line).exits(3);
    ran.says(&["1 image in", "0 computed, 1 reused, 1 skipped"]);
    let (after, _) = contents(&place.path("store"));
    assert_eq!(after.len(), before.len());
    for (before, after) in before.rows().zip(after.rows()) {
        assert_eq!(before.path, after.path);
        let is_mended = before.path == "red/1.png";
        assert_eq!(before == after, !is_mended, "{}", before.path);
        assert_eq!(after.content.is_err(), before.path == "blue/9.png");
    }
    place.frostline(line).exits(3);
    fs::write(bad("blue/9"), &whole).unwrap();
    place.frostline(line).exits(0);
    place
        .frostline(line)
        .exits(0)
        .says(&["0 images in", "0 computed"]);
    assert_eq!(contents(&place.path("store")).0.len(), before.len());
    place
        .frostline("extract {dir}/images -o {dir}/missing --retry-failed")
        .exits(1)
        .says(&["does not exist"]);
}

/// On a file system without shared locks, another machine may write the same store.
#[test]
fn two_writers_never_replace_each_others_parts() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut writer = StoreWriter::open(&store, harness::manifest(), Existing::Extend).unwrap();
    writer
        .push(harness::digest(1), &harness::features(1))
        .unwrap();
    let other = folder.path().join("other");
    let mut second = StoreWriter::open(&other, harness::manifest(), Existing::Extend).unwrap();
    second
        .push(harness::digest(2), &harness::features(2))
        .unwrap();
    second.finish().unwrap();
    fs::rename(
        other.join("part-00000.arrow"),
        store.join("part-00000.arrow"),
    )
    .unwrap();
    writer.flush().unwrap();
    writer
        .push(harness::digest(3), &harness::features(3))
        .unwrap();
    let mut reader = writer.reader();
    let third = writer.features(&harness::digest(3), &mut reader).unwrap();
    assert_eq!(third, harness::features(3));
    writer.finish().unwrap();
    let store = FeatureStore::open(&store).unwrap();
    let digests: Vec<Digest> = (1..=3).map(harness::digest).collect();
    let features = store.features(&digests).unwrap();
    for (seed, row) in (1..).zip(features.outer_iter()) {
        assert_eq!(row.to_vec(), harness::features(seed));
    }
}
