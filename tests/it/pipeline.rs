//! The pipeline with a backbone without weights: order, alignment, no repeated work, and the same results for
//! any number of threads.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use frostline::backbones::Backbone;
use frostline::features::{Bound, Digest, Images, Item, Known, Outcome, Pipeline};
use frostline::images::{DecodeOptions, Labels, View, scan_folder};
use frostline::progress::{Progress, Silent};

use crate::harness::{BLUE, RED, Stub, WHITE, preprocessing, two_classes, write_picture};

/// Collects all items.
#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) rows: Vec<(String, Kind)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Computed(Vec<f32>),
    Reused,
    Skipped(String),
}

impl Collector {
    fn take(&mut self, item: Item) {
        let kind = match item.outcome {
            Outcome::Computed(_, features) => Kind::Computed(features),
            Outcome::Reused(_) => Kind::Reused,
            Outcome::Skipped(reason) => Kind::Skipped(reason.to_string()),
        };
        self.rows.push((item.found.sample().name.clone(), kind));
    }
}

pub(crate) fn run(
    root: &Path,
    batch_size: usize,
    threads: usize,
    known: Option<HashSet<Digest>>,
) -> (Collector, Stub) {
    let mut stub = Stub::default();
    let sink = run_with(root, batch_size, threads, known, &mut stub).unwrap();
    (sink, stub)
}

pub(crate) fn run_with(
    root: &Path,
    batch_size: usize,
    threads: usize,
    known: Option<HashSet<Digest>>,
    backbone: &mut dyn Backbone,
) -> frostline::Result<Collector> {
    let scan = scan_folder(root, Labels::FromFolders)?;
    let pipeline = pipeline(batch_size, threads);
    let known = Known {
        once: known.is_some(),
        directory: known.unwrap_or_default().into_iter().collect(),
        ..Known::default()
    };
    let (images, mut sink) = (Images::of(&scan.entries), Collector::default());
    let mut take = |item| {
        sink.take(item);
        Ok(())
    };
    pipeline.run(images, backbone, &known, &Silent, &mut take)?;
    Ok(sink)
}

fn pipeline(batch_size: usize, threads: usize) -> Pipeline {
    Pipeline {
        decoding: DecodeOptions::default(),
        preprocessing: preprocessing(),
        views: vec![View::Center],
        batch_size,
        threads,
    }
}

#[test]
fn batch_size_and_threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 9, 0);
    fs::write(folder.path().join("blue/3b.png"), "no picture").unwrap();
    let (wanted, _) = run(folder.path(), 1, 1, None);
    assert_eq!(wanted.rows.len(), 19);
    for (batch_size, threads) in [(1, 4), (3, 1), (3, 2), (4, 8), (18, 3), (64, 2)] {
        let (got, stub) = run(folder.path(), batch_size, threads, None);
        assert_eq!(
            got.rows, wanted.rows,
            "batch size {batch_size}, {threads} threads"
        );
        assert!(
            stub.batches.iter().rev().skip(1).all(|&n| n == batch_size),
            "{:?}",
            stub.batches
        );
    }
}

#[test]
fn a_skipped_file_shifts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 4, 0);
    let (clean, _) = run(folder.path(), 3, 2, None);
    for name in ["blue/0a.png", "blue/1a.jpg", "red/2z.png"] {
        fs::write(folder.path().join(name), "no picture").unwrap();
    }
    let (dirty, _) = run(folder.path(), 3, 2, None);
    let names: Vec<&str> = dirty.rows.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let used: Vec<_> = dirty
        .rows
        .iter()
        .filter(|(_, kind)| !matches!(kind, Kind::Skipped(_)))
        .cloned()
        .collect();
    assert_eq!(used, clean.rows);
    assert_eq!(dirty.rows.len(), clean.rows.len() + 3);
}

#[test]
fn known_and_equal_images_are_not_computed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_picture(&path("a.png"), RED, 1);
    write_picture(&path("b.png"), BLUE, 2);
    fs::copy(path("a.png"), path("c.png")).unwrap();
    let known = HashSet::from([Digest::of(&fs::read(path("b.png")).unwrap())]);
    let (sink, stub) = run(folder.path(), 8, 2, Some(known));
    assert_eq!(stub.images(), 1);
    let kinds: Vec<&Kind> = sink.rows.iter().map(|(_, kind)| kind).collect();
    assert!(
        matches!(kinds[..], [Kind::Computed(_), Kind::Reused, Kind::Reused]),
        "{kinds:?}"
    );
}

#[test]
fn features_are_those_of_the_picture_of_the_row() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 6, 0);
    let (sink, _) = run(folder.path(), 5, 3, None);
    for (name, kind) in &sink.rows {
        let Kind::Computed(features) = kind else {
            panic!("{name} was not computed")
        };
        // The first four features are the quarters of the red channel, the last four of the blue one, all
        // normalized with ImageNet's mean.
        let redder = features[0] > features[8];
        assert_eq!(redder, name.starts_with("red/"), "{name}: {features:?}");
    }
}

/// A stub with two slower replicas, the last of which may fail.
struct Uneven {
    stub: Stub,
    lane: u64,
    fails: bool,
    ran: Arc<Mutex<HashMap<u64, Vec<usize>>>>,
}

impl Uneven {
    fn new(fails: bool) -> Self {
        Self {
            stub: Stub::default(),
            lane: 0,
            fails,
            ran: Arc::default(),
        }
    }
}

impl Backbone for Uneven {
    fn num_features(&self) -> usize {
        self.stub.num_features()
    }

    fn replicas(&self) -> Vec<Box<dyn Backbone>> {
        let replica = |lane| Self {
            stub: Stub::default(),
            lane,
            fails: self.fails,
            ran: Arc::clone(&self.ran),
        };
        [1, 2].map(|lane| Box::new(replica(lane)) as _).into()
    }

    fn forward(&mut self, images: &[f32], n: usize) -> frostline::Result<Vec<f32>> {
        self.ran
            .lock()
            .unwrap()
            .entry(self.lane)
            .or_default()
            .push(n);
        thread::sleep(Duration::from_millis(20 + 10 * self.lane));
        if self.fails && self.lane == 2 {
            return Err(frostline::Error::Strict { count: 1, total: 1 });
        }
        self.stub.forward(images, n)
    }
}

#[test]
fn batches_side_by_side_come_out_in_order() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 20, 0);
    fs::write(folder.path().join("blue/3b.png"), "no picture").unwrap();
    let (wanted, _) = run(folder.path(), 1, 1, None);
    let mut uneven = Uneven::new(false);
    let got = run_with(folder.path(), 3, 2, None, &mut uneven).unwrap();
    assert_eq!(got.rows, wanted.rows);
    let ran = uneven.ran.lock().unwrap();
    assert_eq!(ran.len(), 3, "a lane ran nothing: {ran:?}");
    assert_eq!(ran.values().flatten().sum::<usize>(), 40, "{ran:?}");
}

#[test]
fn few_images_are_shared_out_among_the_lanes() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 3, 0);
    let mut uneven = Uneven::new(false);
    run_with(folder.path(), 64, 2, None, &mut uneven).unwrap();
    let ran = uneven.ran.lock().unwrap();
    // 6 images for three lanes, then 4, 2 and 1 that are left.
    let mut sizes: Vec<_> = ran.values().flatten().copied().collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 2, 2], "{ran:?}");
}

#[test]
fn the_error_of_any_lane_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 40, 0);
    let mut uneven = Uneven::new(true);
    assert!(run_with(folder.path(), 2, 2, None, &mut uneven).is_err());
    let ran = uneven.ran.lock().unwrap();
    assert!(ran.values().flatten().sum::<usize>() < 80, "{ran:?}");
}

/// Takes 2.6 seconds for each image, so that four of them make a run of more than 10 s.
struct Slow(Stub);

impl Backbone for Slow {
    fn num_features(&self) -> usize {
        self.0.num_features()
    }

    fn forward(&mut self, images: &[f32], n: usize) -> frostline::Result<Vec<f32>> {
        thread::sleep(Duration::from_millis(2600 * n as u64));
        self.0.forward(images, n)
    }
}

#[test]
fn what_bounds_a_run_is_told_of_one_that_is_long_enough() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 2, 0);
    let run = |backbone: &mut dyn Backbone| {
        let scan = scan_folder(folder.path(), Labels::None).unwrap();
        let images = Images::of(&scan.entries);
        pipeline(2, 2)
            .run(
                images,
                backbone,
                &Known::default(),
                &Silent,
                &mut |_| Ok(()),
            )
            .unwrap()
    };
    let slow = run(&mut Slow(Stub::default()));
    assert_eq!(slow.bound, Some(Bound::Network));
    assert_eq!(slow.computed, 4);
    assert!(slow.elapsed >= slow.timings.forward, "{slow:?}");
    assert!(slow.timings.forward >= Duration::from_secs(10), "{slow:?}");
    // Four small images take too little time.
    assert_eq!(run(&mut Stub::default()).bound, None);
}

/// Asks to stop after a number of images.
struct StopsAfter(u64, AtomicU64);

impl Progress for StopsAfter {
    fn begin(&self, _what: &str, _total: u64) {}
    fn advance(&self, steps: u64) {
        self.1.fetch_add(steps, Ordering::Relaxed);
    }
    fn end(&self) {}
    fn is_stopped(&self) -> bool {
        self.1.load(Ordering::Relaxed) >= self.0
    }
}

#[test]
fn a_run_that_is_stopped_passes_on_what_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 40, 0);
    let (wanted, _) = run(folder.path(), 1, 1, None);
    let scan = scan_folder(folder.path(), Labels::FromFolders).unwrap();
    let mut backbone = Uneven::new(false);
    let mut sink = Collector::default();
    let progress = StopsAfter(10, AtomicU64::new(0));
    let (images, known) = (Images::of(&scan.entries), Known::default());
    let mut take = |item| {
        sink.take(item);
        Ok(())
    };
    let stopped = pipeline(3, 2).run(images, &mut backbone, &known, &progress, &mut take);
    let stopped = stopped.unwrap_err();
    assert!(
        matches!(stopped, frostline::Error::Interrupted { .. }),
        "{stopped}"
    );
    let rows = sink.rows.len();
    assert!((10..40).contains(&rows), "{rows} rows");
    assert_eq!(sink.rows, wanted.rows[..rows]);
    let ran = backbone.ran.lock().unwrap();
    let computed: usize = ran.values().flatten().sum();
    assert_eq!(computed, rows, "computed features were lost");
}

/// Returns NaN for a white image, whatever else is in its batch.
struct BlindToWhite(Stub);

impl Backbone for BlindToWhite {
    fn num_features(&self) -> usize {
        self.0.num_features()
    }

    fn forward(&mut self, images: &[f32], n: usize) -> frostline::Result<Vec<f32>> {
        let mut features = self.0.forward(images, n)?;
        for row in features.chunks_exact_mut(12) {
            if row.iter().all(|&value| value > 2.0) {
                row[7] = f32::NAN;
            }
        }
        Ok(features)
    }
}

#[test]
fn an_image_equal_to_one_without_features_has_none_either() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 6, 0);
    for name in ["blue/0white.png", "blue/3white.png", "red/5white.png"] {
        write_picture(&folder.path().join(name), WHITE, 1);
    }
    let (all, _) = run(folder.path(), 1, 1, None);
    for once in [None, Some(HashSet::new())] {
        let mut blind = BlindToWhite(Stub::default());
        let got = run_with(folder.path(), 4, 2, once, &mut blind).unwrap();
        assert_eq!(got.rows.len(), 15);
        for ((name, kind), (_, wanted)) in got.rows.iter().zip(&all.rows) {
            if name.contains("white") {
                let reason = "has features that are not finite (NaN or infinity)";
                assert_eq!(*kind, Kind::Skipped(reason.to_owned()), "{name}");
            } else {
                assert_eq!(kind, wanted, "{name}");
            }
        }
    }
}

#[test]
fn an_image_is_run_before_the_next_is_named() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 5, 0);
    let (sender, list) = channel();
    let paths = (0..5).map(|i| folder.path().join(format!("red/{i}.png")));
    let mut paths: Vec<_> = paths.collect();
    sender.send(Ok(paths.pop().unwrap())).unwrap();
    let mut stub = Stub::default();
    let mut sender = Some(sender);
    // Names the next file once the features of the previous one arrive.
    let mut ask = |item: Item| {
        assert!(matches!(item.outcome, Outcome::Computed(..)), "{item:?}");
        match paths.pop() {
            Some(next) => sender.as_ref().unwrap().send(Ok(next)).unwrap(),
            // The list ends with its sender.
            None => sender = None,
        }
        Ok(())
    };
    let images = Images::Named(list);
    pipeline(64, 3)
        .run(images, &mut stub, &Known::default(), &Silent, &mut ask)
        .unwrap();
    assert_eq!(stub.batches, [1; 5]);
}
