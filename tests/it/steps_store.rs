//! A store under stress: killed writers, two writers at once, a full disk.

use std::collections::HashMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use frostline::features::{Digest, FeatureStore, Index};

use crate::harness::{Place, Ran, command, contents, run, two_classes};
use crate::version_1;

const EXTRACT: &str = "extract {dir}/images -o {dir}/store";
const CLEAN: &str = "extract {dir}/images -o {dir}/clean";

/// An index and the bits of each image's features.
type Bits = (Index, HashMap<Digest, Vec<u32>>);

fn bits(store: &str) -> Bits {
    let (index, features) = contents(store);
    let of = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    let features = features
        .into_iter()
        .map(|(digest, values)| (digest, of(values)));
    (index, features.collect())
}

/// Creates `images` with `n` images per class, ten of which are also in `few`.
fn pictures(n: u32) -> Option<Place> {
    let place = Place::installed()?;
    two_classes(&place.folder().join("images"), n, 0);
    two_classes(&place.folder().join("few"), 10, 0);
    Some(place)
}

fn start(place: &Place, args: &str) -> Child {
    let mut command = place.command(args);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_store_without_its_index_says_so_and_gets_a_new_one() {
    let Some(place) = Place::fitted() else { return };
    fs::remove_file(place.path("store/index.arrow")).unwrap();
    for command in [
        "fit-head {dir}/store -o {dir}/new",
        "inspect {dir}/store",
        "evaluate {dir}/store --head {dir}/head",
        "report {dir}/store --head {dir}/head -o {dir}/new.html",
        "suggest {dir}/store --head {dir}/head",
    ] {
        place.frostline(command).exits(1).says(&[
            "has no `index.arrow`",
            "hint: run the same `frostline extract` again, without --retry-failed: it rebuilds the index",
        ]);
    }
    let again = place.frostline(EXTRACT).exits(0);
    again.says(&["0 computed, 12 reused"]);
    place
        .frostline("fit-head {dir}/store -o {dir}/new")
        .exits(0);
}

#[test]
fn a_killed_run_is_taken_up_bit_for_bit() {
    const MOMENTS: u32 = 12;
    let Some(place) = pictures(40) else { return };
    let begin = Instant::now();
    place.frostline(CLEAN).exits(0);
    let took = begin.elapsed();
    let clean = bits(&place.path("clean"));
    assert_eq!(clean.1.len(), 80);
    let mut killed = 0;
    for moment in 0..MOMENTS {
        let _ = fs::remove_dir_all(place.path("store"));
        place.frostline("extract {dir}/few -o {dir}/store").exits(0);
        let mut child = start(&place, EXTRACT);
        thread::sleep(took * moment / MOMENTS);
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        let ran = place.frostline(EXTRACT).exits(0);
        let kept = ["60 computed, 20 reused", "0 computed, 80 reused"];
        assert!(
            kept.iter().any(|text| ran.err.contains(text)),
            "{}",
            ran.err
        );
        assert_eq!(
            bits(&place.path("store")),
            clean,
            "killed at moment {moment}"
        );
    }
    // The first run may have been the slowest because the machine was busy.
    assert!(killed >= 2, "only {killed} runs were killed");
}

#[test]
fn what_a_killed_writer_left_is_cleared_away() {
    let Some(place) = Place::fitted() else { return };
    let leftover = place.folder().join("store/.frostline-abcdefghij012345.tmp");
    fs::write(&leftover, "half a part").unwrap();
    place.frostline(EXTRACT).exits(0).says(&["12 reused"]);
    assert!(!leftover.exists());
}

#[test]
fn two_runs_at_once_do_no_damage() {
    let Some(place) = pictures(10) else { return };
    place.frostline(CLEAN).exits(0);
    let clean = bits(&place.path("clean"));
    for round in 0..20 {
        let _ = fs::remove_dir_all(place.path("store"));
        let both = [start(&place, EXTRACT), start(&place, EXTRACT)];
        let both = both.map(|child| Ran::of(child.wait_with_output().unwrap()));
        for ran in &both {
            let locked = ran.code == 1 && ran.err.contains("another frostline is writing to");
            assert!(ran.code == 0 || locked, "round {round}: {}", ran.err);
            assert!(!ran.err.contains("damaged"), "round {round}: {}", ran.err);
        }
        assert!(
            both.iter().any(|ran| ran.code == 0),
            "round {round}: both were refused"
        );
        assert_eq!(bits(&place.path("store")), clean, "round {round}");
    }
}

/// Runs the command with files limited to `blocks` shell blocks, which for a single file is like a full disk
/// and does not need root.
#[cfg(unix)]
fn with_little_space(place: &Place, blocks: u32, args: &str) -> Ran {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut limited = Command::new("sh");
    let binary = command::<&str>([]);
    limited.args(["-c", &script]).arg(binary.get_program());
    limited.args(place.command(args).get_args());
    run(limited.env("FROSTLINE_HOME", place.path("home")))
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_a_store_that_the_next_run_completes() {
    let Some(place) = pictures(10) else { return };
    place.frostline(CLEAN).exits(0);
    with_little_space(&place, 8, EXTRACT).exits(1).says(&[
        "cannot write",
        "part-00000.arrow",
        "raise the limit of file sizes (`ulimit -f`)",
        "-o",
    ]);
    let names = fs::read_dir(place.path("store")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".lock", "manifest.json", "roots.json"]);
    place.frostline(EXTRACT).exits(0);
    assert_eq!(bits(&place.path("store")), bits(&place.path("clean")));
    // A run without new images has nothing to write.
    with_little_space(&place, 1, EXTRACT).exits(0);
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_head() {
    let Some(place) = Place::fitted() else { return };
    let old = fs::read(place.path("head")).unwrap();
    let args = "fit-head {dir}/store -o {dir}/head --epochs 2";
    with_little_space(&place, 1, args).exits(1).says(&[
        "cannot write",
        "head",
        "raise the limit of file sizes (`ulimit -f`)",
    ]);
    assert_eq!(fs::read(place.path("head")).unwrap(), old);
}

/// Overwrites 64 bytes in the middle of a store's first part, among its features.
fn spoil(place: &Place, store: &str) {
    let part = place.path(&format!("{store}/part-00000.arrow"));
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0x3c);
    fs::write(&part, bytes).unwrap();
}

#[test]
fn features_that_changed_on_disk_are_refused_and_computed_again() {
    let Some(place) = Place::fitted() else { return };
    let clean = bits(&place.path("store"));
    spoil(&place, "store");
    for args in [
        "fit-head {dir}/store -o {dir}/new",
        "classify {dir}/images --head {dir}/head --store {dir}/store",
    ] {
        let ran = place.frostline(args).exits(1);
        let ran = ran.says(&["part-00000.arrow", "checksum", "--verify"]);
        assert!(!ran.out.contains(",ok,"), "{}", ran.out);
    }
    assert!(!fs::exists(place.path("new")).unwrap());
    // Without --verify, features that are not needed are not checked.
    place.frostline(EXTRACT).exits(0).says(&["12 reused"]);
    let ran = place.frostline(&format!("{EXTRACT} --verify")).exits(0);
    ran.says(&[
        "part-00000.arrow",
        "checksum",
        "set aside",
        "12 computed, 0 reused",
    ]);
    assert_eq!(bits(&place.path("store")), clean);
    let ran = place.frostline(&format!("{EXTRACT} --verify")).exits(0);
    assert!(!ran.err.contains("set aside"), "{}", ran.err);
}

/// The part has its store's manifest but one value more per row, so its rows would be misread.
#[test]
fn a_part_of_another_width_is_refused_and_computed_again() {
    let Some(place) = Place::fitted() else { return };
    let clean = bits(&place.path("store"));
    let store = FeatureStore::open(place.path("store").as_ref()).unwrap();
    let manifest = version_1::text_of(store.manifest());
    let (_, features) = contents(&place.path("store"));
    let wider: Vec<_> = features
        .into_iter()
        .map(|(digest, mut row)| {
            row.push(1.0);
            (digest, row)
        })
        .collect();
    let part = place.folder().join("store/part-00000.arrow");
    version_1::write_part(&part, &wider, &manifest);
    for args in [
        "fit-head {dir}/store -o {dir}/new",
        "features export {dir}/store -o {dir}/table.csv",
    ] {
        let ran = place.frostline(args).exits(1);
        ran.says(&["part-00000.arrow` is damaged: its columns do not match its format"]);
    }
    let ran = place.frostline(EXTRACT).exits(0);
    ran.says(&[
        "its columns do not match its format",
        "set aside",
        "12 computed, 0 reused",
    ]);
    assert_eq!(bits(&place.path("store")), clean);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_device_in_a_parts_place_is_refused_at_once() {
    let Some(place) = Place::fitted() else { return };
    let part = place.path("store/part-00007.arrow");
    for kind in ["a named pipe", "a device"] {
        if kind == "a device" {
            std::os::unix::fs::symlink("/dev/zero", &part).unwrap();
        } else {
            let made = Command::new("mkfifo").arg(&part).status();
            assert!(made.unwrap().success());
        }
        for args in [
            EXTRACT,
            "fit-head {dir}/store -o {dir}/new",
            "features show {dir}/store",
            "classify {dir}/images --head {dir}/head --store {dir}/store",
        ] {
            let ran = place.frostline(args).exits(1);
            ran.says(&["cannot read", "part-00007.arrow", kind]);
        }
        fs::remove_file(&part).unwrap();
    }
}

/// The store is opened before it is known whether a network is needed; damage found then is reported only
/// once.
#[test]
fn a_cut_part_is_told_once() {
    let Some(place) = pictures(12) else { return };
    place.frostline("extract {dir}/few -o {dir}/store").exits(0);
    place.frostline(EXTRACT).exits(0);
    let part = place.path("store/part-00001.arrow");
    let bytes = fs::read(&part).unwrap();
    fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
    two_classes(&place.folder().join("images"), 13, 0);
    let ran = place.frostline(EXTRACT).exits(0);
    let ran = ran.says(&["6 computed, 20 reused"]);
    assert_eq!(ran.err.matches("set aside").count(), 1, "{}", ran.err);
}
