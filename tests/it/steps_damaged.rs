//! The binary with a store whose manifest, index or stamps are damaged, swapped or not regular files.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Place, Ran, contents, tree};

const EXTRACT: &str = "extract {dir}/images -o {dir}/store";
const READERS: [&str; 3] = [
    "fit-head {dir}/store -o {dir}/new --overwrite",
    "features show {dir}/store",
    "evaluate {dir}/store --head {dir}/head",
];

/// Runs a command that must not block.
fn at_once(place: &Place, args: &str) -> Ran {
    let mut command = place.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("`{args}` does not exit");
        }
        sleep(Duration::from_millis(20));
    }
    Ran::of(child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_in_the_place_of_a_stores_files_are_not_waited_for() {
    let Some(place) = Place::fitted() else { return };
    let clean = contents(&place.path("store"));
    for name in ["manifest.json", "index.arrow", "stamps.arrow"] {
        for kind in ["a named pipe", "a device"] {
            let path = place.folder().join("store").join(name);
            let good = fs::read(&path).ok();
            let _ = fs::remove_file(&path);
            if kind == "a device" {
                std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
            } else {
                let made = Command::new("mkfifo").arg(&path).status();
                assert!(made.unwrap().success());
            }
            for args in READERS {
                let ran = at_once(&place, args);
                if name == "stamps.arrow" {
                    ran.exits(0);
                } else {
                    ran.exits(1).says(&["cannot read", name, kind]);
                }
            }
            let ran = at_once(&place, EXTRACT);
            if name == "manifest.json" {
                ran.exits(1).says(&["cannot read", name, kind]);
                fs::remove_file(&path).unwrap();
                fs::write(&path, good.unwrap()).unwrap();
            } else {
                // Files that can be rebuilt replace them.
                ran.exits(0).says(&["0 computed, 12 reused"]);
                let _ = fs::remove_file(place.folder().join("store/stamps.arrow"));
            }
            assert_eq!(contents(&place.path("store")), clean);
        }
    }
}

#[test]
fn a_damaged_index_is_named_to_readers_and_rebuilt() {
    let Some(place) = Place::fitted() else { return };
    let path = place.folder().join("store/index.arrow");
    let good = fs::read(&path).unwrap();
    let middle = good.len() / 2;
    let mut flipped = good.clone();
    flipped[middle] ^= 1;
    for bad in [&flipped[..], &good[..middle]] {
        fs::write(&path, bad).unwrap();
        for args in READERS {
            let ran = place.frostline(args).exits(1);
            ran.says(&["index.arrow` is ", "it rebuilds the index"]);
        }
        let ran = place.frostline(EXTRACT).exits(0);
        ran.says(&[
            "0 computed, 12 reused",
            "index.arrow",
            "the index was rewritten",
        ]);
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}

/// The hint for a part of another store works, and so does extracting without it.
#[test]
fn a_part_of_another_store_is_moved_out_or_set_aside() {
    let Some(place) = Place::fitted() else { return };
    place
        .frostline("extract {dir}/images -o {dir}/other --interpolation bicubic")
        .exits(0);
    let clean = contents(&place.path("store"));
    let foreign = place.folder().join("store/part-00009.arrow");
    for moves in [true, false] {
        fs::copy(place.path("other/part-00000.arrow"), &foreign).unwrap();
        for args in READERS {
            let ran = place.frostline(args).exits(1);
            ran.says(&[
                "part-00009.arrow",
                "bicubic",
                "move the part out of the folder",
            ]);
        }
        if moves {
            fs::rename(&foreign, place.path("moved.arrow")).unwrap();
        }
        let ran = place.frostline(EXTRACT).exits(0);
        ran.says(&["0 computed, 12 reused"]);
        assert!(!foreign.exists());
        place.frostline(READERS[0]).exits(0);
        assert_eq!(contents(&place.path("store")), clean);
    }
}

/// The manifest comes from a store with another interpolation: no features are lost, whether a run uses its
/// settings or the store's own.
#[test]
fn a_manifest_of_another_store_costs_no_features() {
    const OTHER: &str = "extract {dir}/images -o {dir}/store --interpolation bicubic";
    let Some(place) = Place::fitted() else { return };
    place
        .frostline("extract {dir}/images -o {dir}/other --interpolation bicubic")
        .exits(0);
    let store = place.folder().join("store");
    let before = tree(&store);
    fs::copy(
        place.folder().join("other/manifest.json"),
        store.join("manifest.json"),
    )
    .unwrap();
    place.frostline(OTHER).exits(1).says(&[
        "the features in",
        "do not match",
        "interpolation is bilinear in the features and bicubic in the manifest",
        "it rebuilds the manifest",
    ]);
    place
        .frostline(READERS[0])
        .exits(1)
        .says(&["bilinear", "bicubic"]);
    place
        .frostline(EXTRACT)
        .exits(0)
        .says(&["belongs to another store", "0 computed, 12 reused"]);
    let mut after = tree(&store);
    // Files that have just changed get no stamps.
    after.remove(std::path::Path::new("stamps.arrow"));
    // The images were in another place when the store was made.
    after.remove(std::path::Path::new("roots.json"));
    for (name, bytes) in after {
        assert!(
            name.ends_with(".lock") || before[&name] == bytes,
            "{}",
            name.display()
        );
    }
}
