//! A store whose files are damaged, swapped, from an older version or not regular files: no wrong value is
//! ever read, and the next writer repairs it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::Schema;
use frostline::error::{Error, FeaturesError, FileKind, FileProblem};
use frostline::features::{
    Digest, Existing, FeatureStore, Index, Picture, StoreManifest, StoreWriter, is_store,
};
use frostline::stamp::Stamp;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::harness::{digest, features, index_row, manifest};

const SEEDS: [u8; 3] = [1, 2, 3];

fn index() -> Index {
    let row = |&seed: &u8| index_row(seed, ["b", "c", "d"][usize::from(seed) - 1]);
    SEEDS.iter().map(row).collect()
}

/// Adds the missing features, as `extract` does, and returns the writer's notes.
fn extract(folder: &Path, manifest: StoreManifest) -> Result<Vec<String>, Error> {
    let mut writer = StoreWriter::open(folder, manifest, Existing::Verify)?;
    for seed in SEEDS {
        writer.push(digest(seed), &features(seed))?;
    }
    let stamp = Stamp {
        size: 1,
        modified: 2,
        changed: 3,
        inode: 4,
    };
    let picture = |seed: u8| Picture {
        digest: digest(seed),
        size: (4, 3),
        stamp: Some(stamp),
    };
    let pictures = SEEDS.map(|seed| (PathBuf::from(format!("/{seed}.png")).into(), picture(seed)));
    writer.finish_run(&index(), &pictures)
}

fn new_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    extract(folder.path(), manifest()).unwrap();
    folder
}

fn other_manifest() -> StoreManifest {
    let mut other = manifest();
    other.spec.backbone.sha256 = "1".repeat(64);
    other
}

/// Reads what training reads from a store.
fn seen(folder: &Path) -> Result<(Index, Vec<f32>), Error> {
    let store = FeatureStore::open(folder)?;
    let features = store.features(&SEEDS.map(digest))?;
    Ok((store.index().clone(), features.into_raw_vec_and_offset().0))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = names(folder).into_iter().map(|name| folder.join(name));
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Returns copies of a file with one flipped bit each; the bits are the same on every run.
fn flipped(file: &[u8], n: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let length = file.len() as u64 * 8;
    (0..n).map(move |_| {
        let bit = (random.next_u64() % length) as usize;
        let mut flipped = file.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

/// Whether the next extraction recomputes or rewrites the file; it never rewrites another program's manifest.
fn is_damaged(error: &Error) -> bool {
    use FileKind::{StoreIndex, StoreManifest, StorePart};
    use FileProblem::{Cut, Damaged, Foreign};
    match error {
        Error::Features(error) => matches!(error, FeaturesError::LostManifest { .. }),
        Error::File { kind, problem, .. } => match kind {
            StoreManifest => matches!(problem, Cut(_) | Damaged(_)),
            StoreIndex | StorePart => matches!(problem, Cut(_) | Damaged(_) | Foreign { .. }),
            _ => false,
        },
        _ => false,
    }
}

fn is_of_other_features(error: &Error) -> bool {
    matches!(error, Error::Features(FeaturesError::OtherFeatures { .. }))
}

#[test]
fn flipped_bits_are_named_and_the_next_run_has_the_store_as_it_was() {
    let folder = new_store();
    let whole = seen(folder.path()).unwrap();
    for name in [
        "part-00000.arrow",
        "index.arrow",
        "stamps.arrow",
        "manifest.json",
    ] {
        let path = folder.path().join(name);
        let good = fs::read(&path).unwrap();
        for (n, bad) in flipped(&good, 40).enumerate() {
            fs::write(&path, bad).unwrap();
            assert!(is_store(folder.path()), "{name}, flip {n}");
            match seen(folder.path()) {
                Ok(read) => {
                    assert!(name == "stamps.arrow", "{name}, flip {n} is read");
                    assert_eq!(read, whole);
                }
                Err(error) => {
                    assert!(
                        error.to_string().contains(name),
                        "{name}, flip {n}: {error}"
                    );
                    assert!(is_damaged(&error), "{name}, flip {n}: {error:?}");
                }
            }
            extract(folder.path(), manifest()).unwrap();
            assert_eq!(seen(folder.path()).unwrap(), whole, "{name}, flip {n}");
            let damaged = folder.path().join("part-00000.arrow.damaged");
            if fs::remove_file(damaged).is_ok() {
                // A new part gets the next number.
                fs::rename(folder.path().join("part-00001.arrow"), &path).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap(), good, "{name}, flip {n}");
        }
    }
}

#[test]
fn any_bit_of_a_manifest_counts() {
    let folder = new_store();
    let path = folder.path().join("manifest.json");
    let good = fs::read(&path).unwrap();
    for bit in (0..good.len() * 8).step_by(3) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bad).unwrap();
        let error = StoreManifest::read(folder.path()).unwrap_err();
        assert!(is_damaged(&error), "bit {bit}: {error:?}");
        assert!(is_store(folder.path()), "bit {bit}");
    }
}

#[test]
fn a_lost_or_damaged_manifest_is_rebuilt_from_the_features() {
    let folder = new_store();
    let path = folder.path().join("manifest.json");
    let good = fs::read(&path).unwrap();
    let whole = seen(folder.path()).unwrap();
    for (content, words) in [
        (None, "has lost its `manifest.json`"),
        (Some(&good[..good.len() / 2]), "is cut off"),
        (Some(&b""[..]), "is cut off"),
        (Some(b"\xff\xfe"), "is damaged"),
    ] {
        match content {
            None => fs::remove_file(&path).unwrap(),
            Some(content) => fs::write(&path, content).unwrap(),
        }
        let error = seen(folder.path()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        let error = extract(folder.path(), other_manifest()).unwrap_err();
        assert!(is_of_other_features(&error), "{error:?}");
        let notes = extract(folder.path(), manifest()).unwrap();
        assert!(
            notes[0].contains("rebuilt from the store's features"),
            "{notes:?}"
        );
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!(fs::read(&path).unwrap(), good);
        assert_eq!(seen(folder.path()).unwrap(), whole);
    }
}

#[test]
fn the_manifest_of_another_store_costs_no_features() {
    let (ours, theirs) = (new_store(), tempfile::tempdir().unwrap());
    extract(theirs.path(), other_manifest()).unwrap();
    let path = ours.path().join("manifest.json");
    let good = fs::read(&path).unwrap();
    fs::copy(theirs.path().join("manifest.json"), &path).unwrap();
    let before = files(ours.path());
    // A run with the manifest's settings gets an error that names both sides, and no file changes.
    let error = extract(ours.path(), other_manifest()).unwrap_err();
    let is_manifest = matches!(error, Error::Features(FeaturesError::OtherManifest { .. }));
    assert!(is_manifest, "{error:?}");
    for words in ["the features in", "0000000000000000…", "1111111111111111…"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(files(ours.path()), before);
    // A run with the features' settings rebuilds the manifest.
    let notes = extract(ours.path(), manifest()).unwrap();
    assert!(notes[0].contains("belongs to another store"), "{notes:?}");
    assert_eq!(fs::read(&path).unwrap(), good);
    assert_eq!(seen(ours.path()).unwrap().0, index());
    assert!(
        names(ours.path())
            .iter()
            .all(|name| !name.ends_with("damaged"))
    );
}

#[test]
fn parts_of_two_stores_without_a_manifest_are_refused() {
    let (ours, theirs) = (new_store(), tempfile::tempdir().unwrap());
    extract(theirs.path(), other_manifest()).unwrap();
    let stray = ours.path().join("part-00007.arrow");
    fs::copy(theirs.path().join("part-00000.arrow"), &stray).unwrap();
    fs::remove_file(ours.path().join("manifest.json")).unwrap();
    for manifest in [manifest(), other_manifest()] {
        let error = extract(ours.path(), manifest).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("part-00000.arrow") && text.contains("part-00007.arrow"),
            "{text}"
        );
        let is_mixed = matches!(error, Error::Features(FeaturesError::MixedParts { .. }));
        assert!(is_mixed, "{error:?}");
    }
    fs::remove_file(stray).unwrap();
    extract(ours.path(), manifest()).unwrap();
    assert_eq!(seen(ours.path()).unwrap().0, index());
}

#[test]
fn a_newer_manifest_asks_for_a_newer_frostline_and_is_left_alone() {
    let folder = new_store();
    let path = folder.path().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let (body, _) = text.split_once(",\n  \"checksum\"").unwrap();
    let newer = body.replace("\"format_version\": 2", "\"format_version\": 99") + "\n}\n";
    fs::write(&path, &newer).unwrap();
    for error in [
        seen(folder.path()).unwrap_err(),
        extract(folder.path(), manifest()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("format version 99"), "{error}");
        let is_newer = matches!(
            &error,
            Error::File {
                kind: FileKind::StoreManifest,
                problem: FileProblem::Newer { found: 99, .. },
                ..
            }
        );
        assert!(is_newer, "{error:?}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
}

/// The rows of an index times the width in a manifest are not a size to trust.
#[test]
fn more_features_than_memory_holds_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut wide = manifest();
    wide.spec.backbone.num_features = 1 << 24;
    let writer = StoreWriter::open(folder.path(), wide, Existing::Extend).unwrap();
    let row = index().row(0).unwrap();
    let rows = std::iter::repeat_n(row, 4_000_000).collect();
    writer.finish_run(&rows, &[]).unwrap();
    let store = FeatureStore::open(folder.path()).unwrap();
    let digests: Vec<Digest> = store.index().digests().collect();
    // 268 TB, more than the address space of a process.
    let error = store.features(&digests).unwrap_err().to_string();
    assert!(
        error.contains("16777216 features for each of 4000000 images"),
        "{error}"
    );
}

/// A file that was set aside keeps its name, even if others are set aside later.
#[test]
fn what_is_set_aside_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let part = |n: usize| folder.path().join(format!("part-{n:05}.arrow"));
    for n in 0..3 {
        extract(folder.path(), manifest()).unwrap();
        fs::write(part(n), format!("damaged {n}")).unwrap();
    }
    extract(folder.path(), manifest()).unwrap();
    for n in 0..3 {
        let aside = part(n).with_added_extension("damaged");
        assert_eq!(fs::read_to_string(aside).unwrap(), format!("damaged {n}"));
    }
    assert!(part(3).exists());
}

/// Rewrites an Arrow file without checksums, as older versions wrote it.
fn unseal(path: &Path) {
    let reader = FileReader::try_new(File::open(path).unwrap(), None).unwrap();
    let schema = reader.schema();
    let mut metadata = schema.metadata().clone();
    metadata.insert("format_version".to_owned(), "1".to_owned());
    metadata.remove("sealed");
    let schema = Schema::new_with_metadata(schema.fields().clone(), metadata);
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let mut writer = FileWriter::try_new(File::create(path).unwrap(), &schema).unwrap();
    for batch in batches {
        let batch = RecordBatch::try_new(schema.clone().into(), batch.columns().to_vec());
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

fn make_old(folder: &Path) {
    for name in ["part-00000.arrow", "index.arrow", "stamps.arrow"] {
        unseal(&folder.join(name));
    }
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let (body, _) = text.split_once(",\n  \"checksum\"").unwrap();
    let old = body.replace("\"format_version\": 2", "\"format_version\": 1") + "\n}\n";
    fs::write(&path, old).unwrap();
}

#[test]
fn a_store_of_version_1_is_read_and_given_checksums_by_the_next_writer() {
    let folder = new_store();
    let sealed = files(folder.path());
    let whole = seen(folder.path()).unwrap();
    make_old(folder.path());
    assert_ne!(files(folder.path()), sealed);
    assert_eq!(seen(folder.path()).unwrap(), whole);
    let writer = StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
    assert_eq!(writer.count(), SEEDS.len(), "features are missing");
    assert_eq!(writer.notes(), [""; 0]);
    drop(writer);
    assert_eq!(names(folder.path()), names_of(&sealed));
    let now = files(folder.path());
    for (path, bytes) in &sealed {
        assert!(
            path.ends_with(".lock") || now[path] == *bytes,
            "{}",
            path.display()
        );
    }
}

fn names_of(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.keys().map(name).collect()
}

#[cfg(unix)]
#[test]
fn a_store_of_pipes_is_refused_at_once() {
    for name in [
        "part-00000.arrow",
        "index.arrow",
        "stamps.arrow",
        "manifest.json",
    ] {
        let folder = new_store();
        let whole = seen(folder.path()).unwrap();
        let path = folder.path().join(name);
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert!(is_store(folder.path()));
        match (name, seen(folder.path())) {
            ("stamps.arrow", read) => assert_eq!(read.unwrap(), whole),
            (_, read) => {
                let error = read.unwrap_err();
                let cause = std::error::Error::source(&error).unwrap().to_string();
                assert!(error.to_string().contains(name), "{error}");
                assert_eq!(cause, "it is a named pipe, not a regular file");
            }
        }
        match (name, extract(folder.path(), manifest())) {
            // Files that can be rebuilt replace the pipes.
            ("stamps.arrow" | "index.arrow", run) => {
                run.unwrap();
                assert_eq!(seen(folder.path()).unwrap(), whole);
            }
            (_, run) => assert!(matches!(run, Err(Error::Io { .. })), "{name}: {run:?}"),
        }
    }
}
