//! `features merge` and `features status`: the shards of a run become the store of one machine, whatever
//! happens to them on the way.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use frostline::error::{Error, FeaturesError};
use frostline::features::{
    Existing, FeatureStore, MergeOptions, StoreManifest, StoreWriter, merge,
};
use frostline::progress::Silent;

use crate::harness::{self, Place, Ran, Tree, contents, two_classes};

/// A fixed sequence of numbers that look random (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn spawn(place: &Place, line: &str) -> Child {
    let mut command = place.command(line);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::piped());
    quiet.spawn().unwrap()
}

/// The files of a store, without the process in its lock.
fn files(store: &Path) -> Tree {
    let mut files = harness::tree(store);
    files.retain(|path, _| !path.ends_with(".lock"));
    files
}

/// Checks that two stores list the same images and have the same features, bit for bit.
#[track_caller]
fn assert_same(one: &str, other: &str) {
    let ((index, features), (other_index, other_features)) = (contents(one), contents(other));
    assert_eq!(index, other_index);
    assert_eq!(features.len(), other_features.len());
    for (digest, row) in features {
        let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&row), bits(&other_features[&digest]), "{digest}");
    }
}

const ALL: &str = "{dir}/shards/0 {dir}/shards/1 {dir}/shards/2 {dir}/shards/3";

/// Images in two class folders, one of them bad and one twice, in `images`; the store of one run, `whole`.
fn one_machine(images: u32) -> Option<Place> {
    let place = Place::installed()?;
    two_classes(&place.folder().join("images"), images / 2, 0);
    fs::write(place.path("images/red/bad.jpg"), "<html></html>").unwrap();
    fs::copy(
        place.path("images/red/0.png"),
        place.path("images/blue/copy.png"),
    )
    .unwrap();
    place
        .frostline("extract {dir}/images -o {dir}/whole --batch-size 1")
        .exits(3);
    Some(place)
}

fn extract_line(shard: usize) -> String {
    format!(
        "extract {{dir}}/images --shard {shard}/4 -o {{dir}}/shards/{shard} --batch-size 1 --threads 1"
    )
}

fn extract_shards(place: &Place) {
    for shard in 0..4 {
        let code = place.frostline(&extract_line(shard)).code;
        assert!(matches!(code, 0 | 3), "shard {shard} ended with {code}");
    }
}

#[test]
fn killed_shards_become_the_store_of_one_machine() {
    let Some(place) = one_machine(80) else { return };
    let mut numbers = Numbers(24);
    let mut kills = 0;
    let begin = Instant::now();
    let mut longest = Duration::from_millis(60);
    let mut running: Vec<Option<Child>> = Vec::new();
    running.resize_with(4, || None);
    let mut done = [false; 4];
    while !done.iter().all(|done| *done) {
        assert!(
            begin.elapsed() < Duration::from_mins(5),
            "the shards do not finish"
        );
        for shard in 0..4 {
            if running[shard].is_none() && !done[shard] {
                running[shard] = Some(spawn(&place, &extract_line(shard)));
            }
        }
        thread::sleep(longest.mul_f64(numbers.below(100) as f64 / 100.0));
        let open = running.iter().flatten().count() as u64;
        let mut victim = Some(numbers.below(open));
        for (shard, running) in running.iter_mut().enumerate() {
            let Some(child) = running else { continue };
            let is_victim = victim == Some(0);
            victim = victim.and_then(|n| n.checked_sub(1));
            if is_victim && kills < 10 && child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                // Later processes get further.
                longest = longest.mul_f64(1.3);
            }
            if let Some(status) = child.try_wait().unwrap() {
                done[shard] = matches!(status.code(), Some(0 | 3));
                *running = None;
            }
        }
    }
    assert!(kills > 0, "no process was killed");
    let ran = place.frostline(&format!("features status {ALL}")).exits(3);
    assert!(ran.out.contains("failed: 1 image"), "{}", ran.out);
    place
        .frostline(&format!("features merge {ALL} -o {{dir}}/merged"))
        .exits(3)
        .says(&["81 images from 4 sources, 1 skipped"]);
    assert_same(&place.path("whole"), &place.path("merged"));
    // Merging again, and in another order, changes nothing.
    let before = files(&place.folder().join("merged"));
    let line = "features merge {dir}/shards/3 {dir}/shards/1 {dir}/shards/0 {dir}/shards/2 -o {dir}/merged";
    place.frostline(line).exits(3);
    assert!(files(&place.folder().join("merged")) == before);
    // One machine continues with the merged store, and reads no file again.
    place
        .frostline("extract {dir}/images -o {dir}/merged")
        .exits(3)
        .says(&["0 computed, 81 reused, 1 skipped"]);
}

#[test]
fn parts_are_links_and_where_links_are_impossible_copies() {
    let Some(place) = one_machine(8) else { return };
    extract_shards(&place);
    let line = format!("features merge {ALL} -o {{dir}}/merged");
    place.frostline(&line).exits(3).says(&["parts linked"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| fs::metadata(path).unwrap().dev();
        let inode = |path: &str| fs::metadata(place.path(path)).unwrap().ino();
        let parts = (0..4).map(|shard| inode(&format!("shards/{shard}/part-00000.arrow")));
        assert!(
            parts
                .collect::<Vec<_>>()
                .contains(&inode("merged/part-00000.arrow"))
        );
        let memory = Path::new("/dev/shm");
        if !memory.is_dir() || device(memory) == device(place.folder()) {
            eprintln!("not tested: there is no second file system");
            return;
        }
        let other = tempfile::tempdir_in(memory).unwrap();
        let store = other.path().join("store").display().to_string();
        let line = format!("features merge {ALL} -o {store}");
        place
            .frostline(&line)
            .exits(3)
            .says(&["0 parts linked", "parts copied"]);
        assert_same(&place.path("whole"), &store);
    }
}

#[test]
fn two_mergers_at_once_write_one_store() {
    let Some(place) = one_machine(16) else { return };
    extract_shards(&place);
    for round in 0..5 {
        let line = format!("features merge {ALL} -o {{dir}}/merged{round}");
        let children = [(); 3].map(|()| spawn(&place, &line));
        for child in children {
            Ran::of(child.wait_with_output().unwrap()).exits(3);
        }
        assert_same(&place.path("whole"), &place.path(&format!("merged{round}")));
    }
    let names = fs::read_dir(place.folder()).unwrap();
    let hidden = names.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(hidden.count(), 0, "temporary folders are left");
}

/// A killed merge leaves no store, or the old one.
#[test]
fn a_killed_merge_leaves_no_half_store() {
    let Some(place) = one_machine(16) else { return };
    extract_shards(&place);
    let line = format!("features merge {ALL} -o {{dir}}/merged");
    let begin = Instant::now();
    place.frostline(&line).exits(3);
    let took = begin.elapsed();
    let mut numbers = Numbers(7);
    for _ in 0..20 {
        let _ = fs::remove_dir_all(place.path("merged"));
        let mut child = spawn(&place, &line);
        thread::sleep(took.mul_f64(numbers.below(100) as f64 / 100.0));
        child.kill().unwrap();
        child.wait().unwrap();
        if place.folder().join("merged").exists() {
            assert_same(&place.path("whole"), &place.path("merged"));
        }
    }
    place.frostline(&line).exits(3);
    assert_same(&place.path("whole"), &place.path("merged"));
}

/// The limit on the size of files stands for a full disk: writing fails in the middle of a file.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_store_or_none() {
    let Some(place) = one_machine(16) else { return };
    extract_shards(&place);
    place
        .frostline("features export {dir}/whole -o {dir}/table.parquet")
        .exits(0);
    let limited = |line: &str, blocks: u32| {
        let mut shell = std::process::Command::new("sh");
        let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script]);
        let command = place.command(line);
        shell.arg(command.get_program()).args(command.get_args());
        shell.env("FROSTLINE_HOME", place.path("home"));
        Ran::of(shell.output().unwrap())
    };
    // The part of a table, the index after parts were linked, and the first file of a store.
    for (line, blocks) in [
        (
            "features merge {dir}/table.parquet -o {dir}/new".to_owned(),
            3,
        ),
        (format!("features merge {ALL} -o {{dir}}/new"), 3),
        (format!("features merge {ALL} -o {{dir}}/new"), 0),
    ] {
        let ran = limited(&line, blocks)
            .exits(1)
            .says(&["cannot write `", "new`: File too large"]);
        assert!(!ran.err.contains(".frostline-"), "{}", ran.err);
        assert!(!place.folder().join("new").exists());
    }
    let first = "features merge {dir}/shards/0 -o {dir}/old --partial";
    place.frostline(first);
    let (before, _) = contents(&place.path("old"));
    let line = format!("features merge {ALL} -o {{dir}}/old");
    limited(&line, 3).exits(1);
    assert_eq!(contents(&place.path("old")).0, before);
    place.frostline(&line).exits(3);
    assert_same(&place.path("whole"), &place.path("old"));
}

#[test]
fn what_is_missing_is_said_and_merged_only_if_wanted() {
    let Some(place) = one_machine(16) else { return };
    extract_shards(&place);
    fs::remove_file(place.path("shards/1/index.arrow")).unwrap();
    let some = "{dir}/shards/0 {dir}/shards/1 {dir}/shards/3";
    let status = place
        .frostline(&format!("features status {some} {{dir}}/shards/9"))
        .exits(1);
    let said = ["unfinished", "missing", "no store: 2/4"];
    assert!(
        said.iter().all(|word| status.out.contains(word)),
        "{}",
        status.out
    );
    status.says(&["2 shards are not complete", "2/4"]);
    place
        .frostline(&format!("features merge {some} -o {{dir}}/merged"))
        .exits(1)
        .says(&[
            "shards/1` has not finished",
            "`2/4` is missing",
            "--partial",
        ]);
    assert!(!place.folder().join("merged").exists());
    place
        .frostline(&format!(
            "features merge {some} -o {{dir}}/merged --partial"
        ))
        .says(&["missing shards", "2/4", "unfinished shards"]);
    place.frostline(&extract_line(1));
    let ran =
        place.frostline("features merge {dir}/shards/1 {dir}/shards/2 -o {dir}/merged --partial");
    ran.exits(3);
    assert_same(&place.path("whole"), &place.path("merged"));
    place.frostline("features status {dir}/images").exits(1);
}

#[test]
fn shards_of_different_runs_are_refused() {
    let Some(place) = Place::fitted() else { return };
    for (line, to) in [
        ("--shard 0/2", "0-2"),
        ("--shard 1/3", "1-3"),
        ("--shard 1/2 --dtype f16", "f16"),
        ("--shard 1/2 --alpha black", "black"),
    ] {
        let line = format!("extract {{dir}}/images {line} -o {{dir}}/{to}");
        place.frostline(&line).exits(0);
    }
    for (with, words) in [
        ("1-3", &["they are the shards 0/2 and 1/3"][..]),
        (
            "f16",
            &["dtype is f32 in `", "and f16 in `", "0-2`", "f16`"],
        ),
        ("black", &["alpha", "white", "black"]),
    ] {
        for command in ["features merge -o {dir}/merged", "features status"] {
            let line = format!("{command} {{dir}}/0-2 {{dir}}/{with}");
            place.frostline(&line).exits(1).says(words);
        }
    }
    assert!(!place.folder().join("merged").exists());
    place
        .frostline("features merge {dir}/0-2 -o {dir}/1-3 --partial")
        .exits(1)
        .says(&["holds shard 1/3"]);
    place
        .frostline("features merge {dir}/0-2 -o {dir}/images --partial")
        .exits(1)
        .says(&["contains other files"]);
    place
        .frostline("features merge {dir}/images -o {dir}/merged")
        .exits(1)
        .says(&["is neither a feature store nor a table of features"]);
}

#[test]
fn a_path_with_two_contents_is_refused() {
    let Some(place) = Place::fitted() else { return };
    place.frostline("extract {dir}/images -o {dir}/a").exits(0);
    fs::copy(
        place.path("images/blue/0.png"),
        place.path("images/red/0.png"),
    )
    .unwrap();
    place.frostline("extract {dir}/images -o {dir}/b").exits(0);
    let digest = |store: &str| {
        let (index, _) = contents(&place.path(store));
        let row = index.rows().find(|row| row.path == "red/0.png");
        row.unwrap().content.unwrap().digest.to_string()
    };
    place
        .frostline("features merge {dir}/a {dir}/b -o {dir}/merged")
        .exits(1)
        .says(&[
            "`red/0.png` has two contents",
            &digest("a"),
            &digest("b"),
            &place.path("b"),
        ]);
}

/// Writes a store of some images; `change` is added to their first feature.
fn store(path: &Path, seeds: &[u8], change: f32, manifest: StoreManifest) {
    let mut writer = StoreWriter::open(path, manifest, Existing::Extend).unwrap();
    let mut index = frostline::features::Index::default();
    for &seed in seeds {
        let mut features = harness::features(seed);
        features[0] += change;
        writer.push(harness::digest(seed), &features).unwrap();
        index.push(harness::index_row(seed, "a"));
    }
    writer.finish_run(&index, &[]).unwrap();
}

#[test]
fn features_of_one_image_are_compared_and_engines_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    store(&place("a"), &[1, 2], 0.0, harness::manifest());
    let mut other = harness::manifest();
    other.engine.device = "cuda:0".to_owned();
    // A cosine of 0.99999 and one of 0.94: rounding, and another network.
    store(&place("rounded"), &[2, 3], 0.01, other);
    store(&place("changed"), &[2, 4], 3.0, harness::manifest());
    let options = |with: &str| MergeOptions::new(vec![place("a"), place(with)], place("merged"));
    let error = merge(&options("changed"), &Silent).unwrap_err();
    let Error::Features(FeaturesError::UnlikeFeatures { image, parts, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(image, "2.png");
    assert_eq!(
        parts,
        ["a", "changed"].map(|name| place(name).join("part-00000.arrow"))
    );
    assert!(!place("merged").exists());
    let report = merge(&options("rounded"), &Silent).unwrap();
    assert_eq!(
        (report.images, report.added, report.linked, report.doubles),
        (3, 3, 2, 1)
    );
    assert!((0.9999..1.0).contains(&report.lowest_cosine), "{report:?}");
    let merged = FeatureStore::open(&place("merged")).unwrap();
    let engines = merged.engines().unwrap();
    let devices: Vec<&str> = engines.iter().map(|(engine, _)| &*engine.device).collect();
    assert_eq!(devices, ["cpu", "cuda:0"]);
    assert_eq!(merged.count_vectors().unwrap(), 3);
    // The first part of an image counts.
    let features = merged.features(&[harness::digest(2)]).unwrap();
    assert_eq!(features.row(0).to_vec(), harness::features(2));
    let report = merge(&options("rounded"), &Silent).unwrap();
    assert_eq!((report.added, report.linked, report.doubles), (0, 0, 0));
}

#[test]
fn a_damaged_part_is_named_and_nothing_is_merged() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    store(&place("a"), &[1, 2], 0.0, harness::manifest());
    let part = place("a").join("part-00000.arrow");
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, bytes).unwrap();
    let options = MergeOptions::new(vec![place("a")], place("merged"));
    let error = merge(&options, &Silent).unwrap_err();
    assert!(
        error.to_string().contains("part-00000.arrow` is damaged"),
        "{error}"
    );
    assert!(!place("merged").exists());
}
