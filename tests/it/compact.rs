//! `features compact`: every vector keeps its bits, whatever happens to the run, and readers see a complete
//! store all the time.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frostline::error::{Error, FeaturesError, NoSamples};
use frostline::features::{
    CompactOptions, CompactReport, Content, Digest, Dtype, Existing, FeatureStore, Index, IndexRow,
    MergeOptions, StoreManifest, StoreWriter, compact, merge,
};
use frostline::images::{View, Views};
use frostline::progress::Silent;

use crate::harness::{self, Place, Ran, command, run};

const WIDTH: usize = 12;

fn digest(image: u32) -> Digest {
    Digest::of(&image.to_le_bytes())
}

/// The features of an image: multiples of 1/4 below 512, which binary16 represents exactly.
fn features(image: u32, width: usize) -> Vec<f32> {
    let at = |i: usize| (image as usize * 31 + i * 7) % 2048;
    (0..width).map(|i| at(i) as f32 / 4.0).collect()
}

fn manifest(device: &str, dtype: Dtype, views: &[View]) -> StoreManifest {
    let mut manifest = harness::manifest();
    manifest.spec.views = views.to_vec();
    device.clone_into(&mut manifest.engine.device);
    StoreManifest::new(manifest.spec, dtype, manifest.engine)
}

/// Adds images to a store, `each` in a part, and lists all images below `listed`.
fn add(
    store: &Path,
    manifest: StoreManifest,
    images: std::ops::Range<u32>,
    each: u32,
    listed: u32,
) {
    let width = manifest.spec.views.len() * manifest.spec.backbone.num_features;
    let mut writer = StoreWriter::open(store, manifest, Existing::Extend).unwrap();
    for image in images {
        writer.push(digest(image), &features(image, width)).unwrap();
        if image % each == each - 1 {
            writer.flush().unwrap();
        }
    }
    let row = |image: u32| IndexRow {
        path: format!("{image}.png"),
        class: Some(["a", "b"][image as usize % 2].to_owned()),
        content: Ok(Content {
            digest: digest(image),
            width: 4,
            height: 3,
        }),
    };
    let index: Index = (0..listed).map(row).collect();
    writer.finish_run(&index, &[]).unwrap();
}

fn parts(store: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(store).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "arrow"));
    paths.retain(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("part-")
    });
    paths.sort();
    paths
}

/// Checks that a store has these images with their features, bit for bit.
#[track_caller]
fn assert_complete(store: &Path, images: u32) {
    let opened = FeatureStore::open(store).unwrap();
    let digests: Vec<Digest> = (0..images).map(digest).collect();
    let views = &opened.manifest().spec.views;
    let found = opened.views(&digests, views).unwrap();
    let width = views.len() * opened.manifest().spec.backbone.num_features;
    for (image, found) in (0..images).zip(found.as_slice().unwrap().chunks(width)) {
        assert_eq!(found, features(image, width), "image {image}");
    }
    assert_eq!(opened.count_vectors().unwrap(), images as usize);
}

fn compacted(store: &Path, prune: bool, part_bytes: u64) -> CompactReport {
    let mut options = CompactOptions::new(store.to_owned());
    options.prune = prune;
    options.part_bytes = part_bytes;
    compact(&options, &Silent).unwrap()
}

/// Enough for all images of a test.
const LARGE: u64 = 1 << 29;

#[test]
fn parts_become_few_and_features_and_engines_stay() {
    for (dtype, views) in [
        (Dtype::F32, &[View::Center][..]),
        (Dtype::F16, &Views::Hflip.list()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path();
        for (round, device) in (0..).zip(["cpu", "cuda:0", "cpu", "cuda:0"]) {
            let images = round * 10..round * 10 + 10;
            add(store, manifest(device, dtype, views), images, 3, 40);
        }
        // A second part with the same images, as a writer without a shared lock may leave.
        fs::copy(&parts(store)[0], store.join("part-00077.arrow")).unwrap();
        let engines = |store: &Path| {
            let engines = FeatureStore::open(store).unwrap().engines().unwrap();
            let images = engines.into_iter().map(|(engine, n)| (engine.device, n));
            images.collect::<HashMap<_, _>>()
        };
        let wanted = HashMap::from([("cpu".to_owned(), 20), ("cuda:0".to_owned(), 20)]);
        let before = parts(store).len();
        let report = compacted(store, false, LARGE);
        assert_complete(store, 40);
        assert_eq!(engines(store), wanted);
        assert_eq!(parts(store).len(), 2);
        assert_eq!(
            (
                report.parts_before,
                report.parts,
                report.written,
                report.images
            ),
            (before, 2, 2, 40)
        );
        assert_eq!((report.duplicates, report.pruned), (3, 0));
        let files = harness::tree(store);
        let again = compacted(store, false, LARGE);
        assert_eq!((again.written, again.parts, again.parts_before), (0, 2, 2));
        assert!(harness::tree(store) == files);
        // New parts are added next to them, and compacted later.
        add(store, manifest("cpu", dtype, views), 40..45, 2, 45);
        assert_eq!(parts(store).len(), 5);
        assert_complete(store, 45);
        assert_eq!(compacted(store, false, LARGE).parts, 2);
        assert_complete(store, 45);
    }
}

#[test]
fn more_than_a_thousand_parts_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let one = manifest("cpu", Dtype::F32, &[View::Center]);
        StoreWriter::open(folder.path(), one, Existing::Extend).unwrap()
    };
    let mut writer = open();
    for image in 0..1000 {
        writer.push(digest(image), &features(image, WIDTH)).unwrap();
        writer.flush().unwrap();
    }
    assert!(
        writer
            .finish_run(&Index::default(), &[])
            .unwrap()
            .is_empty()
    );
    let mut writer = open();
    writer.push(digest(1000), &features(1000, WIDTH)).unwrap();
    let notes = writer.finish_run(&Index::default(), &[]).unwrap();
    let store = folder.path().display();
    let note = format!("`{store}` has 1001 parts, which take long to open (`compact`)");
    assert_eq!(notes, [note]);
    assert_eq!(compacted(folder.path(), false, LARGE).parts, 1);
    assert_complete(folder.path(), 1001);
}

#[test]
fn parts_of_half_the_size_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path();
    add(
        store,
        manifest("cpu", Dtype::F32, &[View::Center]),
        0..40,
        4,
        40,
    );
    // Ten images take 90 bytes each: 12 values, a digest, an offset and `center`.
    let report = compacted(store, false, 900);
    assert_eq!((report.written, report.parts), (5, 5));
    let files = harness::tree(store);
    assert_eq!(compacted(store, false, 1400).written, 0);
    assert!(harness::tree(store) == files);
    assert_complete(store, 40);
}

#[test]
fn pruning_drops_what_the_last_run_did_not_list() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path();
    let manifest = || manifest("cpu", Dtype::F32, &[View::Center]);
    add(store, manifest(), 0..20, 3, 15);
    let prune = || {
        let mut options = CompactOptions::new(store.to_owned());
        options.prune = true;
        compact(&options, &Silent)
    };
    let report = prune().unwrap();
    assert_eq!((report.images, report.pruned, report.parts), (15, 5, 1));
    assert_complete(store, 15);
    assert_eq!(prune().unwrap().written, 0);
    // Without a list, or with an empty one, nothing is dropped.
    add(store, manifest(), 15..20, 3, 0);
    for reason in [NoSamples::NoneUsable, NoSamples::NoIndex] {
        let found = prune().unwrap_err();
        let Error::Features(FeaturesError::NoSamples { reason: found, .. }) = found else {
            panic!("{found}");
        };
        assert_eq!(found, reason);
        let _ = fs::remove_file(store.join("index.arrow"));
    }
    assert_complete(store, 20);
}

#[test]
fn a_damaged_part_stops_it_and_everything_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path();
    add(
        store,
        manifest("cpu", Dtype::F32, &[View::Center]),
        0..9,
        3,
        9,
    );
    let part = &parts(store)[1];
    let mut bytes = fs::read(part).unwrap();
    // The first value of the first image: 93 / 4.
    let value = 23.25f32.to_le_bytes();
    let at = bytes
        .windows(4)
        .rposition(|window| window == value)
        .unwrap();
    bytes[at] ^= 1;
    fs::write(part, bytes).unwrap();
    let before = harness::tree(store);
    let error = compact(&CompactOptions::new(store.to_owned()), &Silent).unwrap_err();
    assert!(
        error.to_string().contains("part-00001.arrow` is damaged"),
        "{error}"
    );
    assert!(harness::tree(store) == before);
}

/// A store of 60 parts, and the command that compacts it.
fn many_parts() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path();
    add(
        store,
        manifest("cpu", Dtype::F32, &[View::Center]),
        0..180,
        3,
        180,
    );
    let store = store.display().to_string();
    (folder, store)
}

#[test]
fn a_killed_run_loses_nothing() {
    let (folder, store) = many_parts();
    let start = |store: &str| {
        let mut command = command(["features", "compact", store]);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().unwrap()
    };
    let begin = Instant::now();
    start(&store).wait().unwrap();
    let took = begin.elapsed();
    assert_complete(folder.path(), 180);
    let mut killed = 0;
    for round in 0..40 {
        let (folder, store) = many_parts();
        let mut child = start(&store);
        thread::sleep(took.mul_f64(f64::from(round) / 40.0));
        killed += i32::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
        assert_complete(folder.path(), 180);
        run(&mut command(["features", "compact", &store])).exits(0);
        assert_eq!(parts(folder.path()).len(), 1);
        assert_complete(folder.path(), 180);
    }
    assert!(killed > 0, "no run was killed");
}

/// The limit on the size of files stands for a full disk: writing fails in the middle of a file.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_parts() {
    let (folder, store) = many_parts();
    let before = harness::tree(folder.path());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]);
    let command = command(["features", "compact", &store]);
    shell.arg(command.get_program()).args(command.get_args());
    let ran = Ran::of(shell.output().unwrap()).exits(1);
    ran.says(&["cannot write `", "File too large"]);
    let mut after = harness::tree(folder.path());
    after.insert(".lock".into(), before[Path::new(".lock")].clone());
    assert!(after == before);
}

#[test]
fn readers_see_a_complete_store_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path();
    let one = || manifest("cpu", Dtype::F32, &[View::Center]);
    add(store, one(), 0..120, 3, 120);
    let opened = FeatureStore::open(store).unwrap();
    let digests: Vec<Digest> = (0..120).map(digest).collect();
    let stretches = opened.stretches(&digests, &[View::Center]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_complete(store, 120);
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let merged = tempfile::tempdir().unwrap();
                let merged = merged.path().join("store");
                let options = MergeOptions::new(vec![store.to_owned()], merged.clone());
                assert_eq!(merge(&options, &Silent).unwrap().images, 120);
                assert_complete(&merged, 120);
            }
        });
        let begin = Instant::now();
        // Each size has other groups than the one before.
        for size in (3..).map(|images| images * 900) {
            compacted(store, false, size);
            if begin.elapsed() > Duration::from_secs(3) {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    // What was opened before is read to the end.
    let mut numbers = frostline::features::Numbers::new(Dtype::F32);
    for stretch in 0..stretches.len() {
        stretches.read(stretch, &mut numbers).unwrap();
    }
    let wanted: Vec<f32> = (0..120).flat_map(|image| features(image, WIDTH)).collect();
    assert_eq!(numbers.widened(), wanted);
}

/// A part of more than 64 MiB is not held in memory.
#[test]
fn a_part_that_is_not_held_in_memory_is_read_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut one = manifest("cpu", Dtype::F32, &[View::Center]);
    one.spec.backbone.num_features = 4096;
    add(&store, one, 0..4300, 5000, 4300);
    assert!(parts(&store).len() > 3);
    assert_eq!(compacted(&store, false, LARGE).parts, 1);
    assert!(fs::metadata(&parts(&store)[0]).unwrap().len() > 64 << 20);
    assert_complete(&store, 4300);
    let opened = FeatureStore::open(&store).unwrap();
    let span = opened.span().unwrap().unwrap();
    assert_eq!(span.shape, (4300, 4096));
    let bytes = fs::read(&span.path).unwrap();
    let last = &bytes[span.offset as usize..][..4300 * 4096 * 4][4299 * 4096 * 4..];
    let wanted = features(4299, 4096).into_iter().flat_map(f32::to_le_bytes);
    assert!(last.iter().copied().eq(wanted));
    let head = folder.path().join("head").display().to_string();
    let store = store.display().to_string();
    run(&mut command([
        "fit-head", &store, "-o", &head, "--epochs", "1",
    ]))
    .exits(0);
    run(&mut command(["evaluate", &store, "--head", &head])).exits(0);
}

#[test]
fn extract_and_merge_continue_with_a_compacted_store() {
    let Some(place) = Place::fitted() else { return };
    place
        .frostline("features compact {dir}/store")
        .exits(0)
        .says(&["nothing to compact: 1 part"]);
    fs::write(
        place.path("images/red/new.png"),
        fs::read(place.path("images/red/1.png")).unwrap(),
    )
    .unwrap();
    harness::write_picture(&place.folder().join("images/red/other.png"), [1, 2, 3], 7);
    let extract = "extract {dir}/images -o {dir}/store";
    place
        .frostline(extract)
        .exits(0)
        .says(&["1 computed, 13 reused"]);
    assert_eq!(parts(&place.folder().join("store")).len(), 2);
    place
        .frostline("features compact {dir}/store")
        .exits(0)
        .says(&["13 vectors in 1 part, 2 before"]);
    place
        .frostline(extract)
        .exits(0)
        .says(&["0 computed, 14 reused"]);
    place
        .frostline(&format!("{extract} --verify"))
        .exits(0)
        .says(&["0 computed, 14 reused"]);
    let merge = "features merge {dir}/store -o {dir}/merged";
    place
        .frostline(merge)
        .exits(0)
        .says(&["14 images", "13 vectors, 1 part linked"]);
    let damaged = place.frostline("features compact {dir}/images");
    damaged.exits(1).says(&["not a feature store"]);
}

/// A damaged part has some images, and an intact one the same: the intact copies stay.
#[test]
fn of_two_copies_the_intact_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let [store, twin] = ["store", "twin"].map(|name| folder.path().join(name));
    let one = || manifest("cpu", Dtype::F32, &[View::Center]);
    add(&store, one(), 0..20, 20, 20);
    add(&twin, one(), 0..40, 40, 40);
    fs::copy(
        twin.join("part-00000.arrow"),
        store.join("part-00001.arrow"),
    )
    .unwrap();
    let part = store.join("part-00000.arrow");
    let mut bytes = fs::read(&part).unwrap();
    // One of the last features: the column is the last one before the footer.
    let value = features(19, WIDTH)[WIDTH - 1].to_le_bytes();
    let at = bytes.windows(4).rposition(|bytes| bytes == value).unwrap();
    bytes[at] ^= 1;
    fs::write(&part, bytes).unwrap();
    let report = compacted(&store, false, LARGE);
    assert_eq!((report.images, report.duplicates), (40, 0));
    assert!(report.notes.iter().any(|note| note.contains("set aside")));
    assert_complete(&store, 40);
}

/// A part with a number beyond the last one would not be found again.
#[test]
fn numbers_of_parts_are_not_exceeded() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let one = || manifest("cpu", Dtype::F32, &[View::Center]);
    add(&store, one(), 0..20, 10, 20);
    let [first, last] = ["part-00001.arrow", "part-4294967295.arrow"].map(|name| store.join(name));
    fs::rename(first, last).unwrap();
    let error = compact(&CompactOptions::new(store.clone()), &Silent).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "no number is left for another part");
    assert_complete(&store, 20);
}
