//! Tests that the index finds each image where its part has it, and that no other index is used.

use std::fs;

use tempfile::TempDir;

use super::write::{refresh_beyond, write};
use super::*;
use crate::features::fuzz::manifest;
use crate::features::names::part_paths;
use crate::features::{Dtype, Existing, FeatureStore, StoreWriter};
use crate::images::View;

fn one() -> StoreManifest {
    manifest(Dtype::F16, &[View::Center])
}

fn even(image: u32) -> Digest {
    Digest::of(&image.to_le_bytes())
}

/// Digests that start with zeros are not spread evenly.
fn uneven(image: u32) -> Digest {
    let mut digest = [0; 32];
    digest[28..].copy_from_slice(&(image % 7919 * 100_000 + image).to_be_bytes());
    Digest(digest)
}

fn features(image: u32) -> [f32; 4] {
    [image % 2048, image / 2048, 3, 4].map(|n| n as f32)
}

fn add(store: &Path, images: std::ops::Range<u32>, each: u32, digest: fn(u32) -> Digest) {
    let mut writer = StoreWriter::open(store, one(), Existing::Extend).unwrap();
    for image in images {
        writer.push(digest(image), &features(image)).unwrap();
        if image % each == each - 1 {
            writer.flush().unwrap();
        }
    }
    writer.finish().unwrap();
}

fn open(store: &Path) -> Option<Positions> {
    Positions::open(store, &part_paths(store).unwrap(), &one())
}

/// A store of 5,000 images in parts of 1,000, and its index, which was sorted in 7 passes.
fn store(digest: fn(u32) -> Digest) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    add(folder.path(), 0..5000, 1000, digest);
    write(
        folder.path(),
        &part_paths(folder.path()).unwrap(),
        &one(),
        800,
    )
    .unwrap();
    folder
}

#[test]
fn each_image_is_found_where_it_was_written() {
    let digests = [even, uneven] as [fn(u32) -> Digest; 2];
    for (digest, in_memory) in digests.into_iter().flat_map(|d| [(d, 0), (d, IN_MEMORY)]) {
        let folder = store(digest);
        let parts = part_paths(folder.path()).unwrap();
        let found = Positions::open_with(in_memory, folder.path(), &parts, &one()).unwrap();
        assert_eq!(found.len(), 5000);
        let mut numbers = vec![false; 5000];
        for image in 0..5000 {
            let (number, position) = found.find(&digest(image)).unwrap();
            let wanted = Position::new(image as usize / 1000, image as usize % 1000);
            assert_eq!(position, wanted);
            assert_eq!(found.digest(number), Some(digest(image)));
            assert!(!std::mem::replace(&mut numbers[number as usize], true));
            assert_eq!(found.find(&digest(image + 5000)), None);
        }
        assert_eq!(
            (found.digest(5000), found.covers(4), found.covers(5)),
            (None, true, false)
        );
        for digest in [[0; 32], [255; 32]].map(Digest) {
            assert!(found.find(&digest).is_none() || digest == uneven(0));
        }
    }
}

#[test]
fn the_file_is_as_its_format_says() {
    let folder = store(even);
    let bytes = fs::read(folder.path().join(DIGESTS)).unwrap();
    assert_eq!(bytes.len(), 48 + 40 * 5 + 40 * 5000);
    assert_eq!(bytes[..16], *b"frostidx\x01\0\0\0\x05\0\0\0");
    let hash = blake3::hash(&[&bytes[..16], &bytes[48..]].concat());
    assert_eq!(bytes[16..48], *hash.as_bytes());
    // Part 2 with 1,000 images.
    assert_eq!(bytes[48 + 2 * 40 + 32..][..8], *b"\x02\0\0\0\xe8\x03\0\0");
    let rows = bytes[48 + 5 * 40..].as_chunks::<40>().0;
    assert!(rows.is_sorted_by(|one, two| one[..32] < two[..32]));
}

#[test]
fn a_damaged_or_outdated_index_is_not_used() {
    let folder = store(even);
    let store = folder.path();
    let path = store.join(DIGESTS);
    let whole = fs::read(&path).unwrap();
    for at in (0..48 + 5 * 40).chain((300..whole.len()).step_by(997)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        assert!(open(store).is_none(), "byte {at}");
    }
    for length in (0..300).chain([whole.len() - 40]) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(open(store).is_none(), "length {length}");
    }
    fs::write(&path, &whole).unwrap();
    // A new part is not covered.
    add(store, 5000..5010, 10, even);
    let found = open(store).unwrap();
    assert_eq!((found.covers(5), found.find(&even(5001))), (false, None));
    // A part that was replaced by one of the same size, and one that is missing.
    let part = &part_paths(store).unwrap()[4];
    let kept = fs::read(part).unwrap();
    let other = tempfile::tempdir().unwrap();
    add(other.path(), 6000..7000, 1000, even);
    fs::copy(&part_paths(other.path()).unwrap()[0], part).unwrap();
    assert!(open(store).is_none());
    fs::remove_file(part).unwrap();
    assert!(open(store).is_none());
    fs::write(part, kept).unwrap();
    assert!(open(store).is_some());
}

#[test]
fn a_store_with_an_index_is_read_and_extended_like_any_other() {
    let folder = store(even);
    let store = folder.path();
    add(store, 4990..5010, 5, even);
    let mut writer = StoreWriter::open(store, one(), Existing::Verify).unwrap();
    assert_eq!((writer.count(), writer.notes().len()), (5010, 0));
    writer.push(even(5010), &features(5010)).unwrap();
    writer.push(even(3), &features(4)).unwrap();
    let (directory, mut reader) = (writer.directory(), writer.reader());
    assert!(!directory.claim(&even(17)) && !directory.claim(&even(5003)));
    assert!(directory.claim(&even(9000)) && !directory.contains(&even(9000)));
    for image in (0..5011).step_by(7).chain([3, 5010]) {
        let found = writer.features(&even(image), &mut reader).unwrap();
        assert_eq!(found, features(image));
        let number = directory.number(&even(image)).unwrap();
        assert_eq!(directory.digest(number), Some(even(image)));
    }
    writer.finish().unwrap();
    let opened = FeatureStore::open(store).unwrap();
    assert_eq!(opened.count_vectors().unwrap(), 5011);
    assert_eq!(opened.engines().unwrap()[0].1, 5011);
    assert!(store.join(DIGESTS).exists());
}

#[test]
fn an_index_is_written_when_many_images_are_not_covered() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path();
    add(store, 0..3000, 1000, even);
    let refresh = |lacking| {
        refresh_beyond(lacking, store, &one()).unwrap();
        open(store).map(|found| found.len())
    };
    assert_eq!(refresh(4000), None);
    assert_eq!(refresh(2500), Some(3000));
    add(store, 3000..5000, 1000, even);
    assert_eq!(refresh(2500), Some(3000), "2,000 are not covered");
    assert_eq!(refresh(1500), Some(5000));
    // One that cannot be used and is not needed is removed.
    fs::remove_file(&part_paths(store).unwrap()[0]).unwrap();
    assert_eq!(refresh(1_000_000), None);
    assert!(!store.join(DIGESTS).exists());
}

/// A part that is set aside is not in the index any more.
#[test]
fn a_damaged_part_is_set_aside_and_the_others_are_used() {
    let folder = store(even);
    let store = folder.path();
    let part = &part_paths(store).unwrap()[1];
    let mut bytes = fs::read(part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(part, bytes).unwrap();
    let writer = StoreWriter::open(store, one(), Existing::Verify).unwrap();
    assert_eq!((writer.count(), writer.notes().len()), (4000, 1));
    let mut reader = writer.reader();
    assert!(!writer.knows(&even(1500)));
    assert_eq!(
        writer.features(&even(2500), &mut reader).unwrap(),
        features(2500)
    );
}

/// Whoever changes the file on purpose can hide images and mix them up, but not more.
#[test]
fn a_row_that_somebody_has_changed_is_no_reason_to_panic() {
    let folder = store(even);
    let path = folder.path().join(DIGESTS);
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    for round in 0..200 {
        let mut bytes = whole.clone();
        for step in 0..=round {
            let at = 248 + (round * 7919 + step * 104_729) % (bytes.len() - 256);
            bytes[at..at + 8].fill([0, 0x7f, 0xff][step % 3]);
        }
        let hash = blake3::hash(&[&bytes[..16], &bytes[48..]].concat());
        bytes[16..48].copy_from_slice(hash.as_bytes());
        fs::write(&path, bytes).unwrap();
        let Some(index) = open(folder.path()) else {
            continue;
        };
        for image in (0..5000).step_by(11) {
            if let Some((number, position)) = index.find(&even(image)) {
                found += 1;
                assert!(number < 5000 && position.part() < 5 && position.image() < 1000);
            }
        }
    }
    assert!(found > 10_000, "{found}");
}
