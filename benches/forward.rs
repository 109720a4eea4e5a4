//! Measures a backbone's milliseconds per image on ready tensors, run as in extraction: batches in one lane
//! per replica.
//!
//! `cargo bench --bench forward [-- BACKBONE [BATCH]]`, after `frostline setup`, prints the median of a few
//! rounds. `forward BACKBONE BATCH IMAGES FEATURES` is a worker of `scripts/bench_peers.sh`: it reads BATCH
//! images, writes their features, both as plain little-endian `f32`, prints `ready WHAT`, and answers each
//! line `go N` with the seconds of N batches.

use std::env;
use std::fs;
use std::io::{Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, ensure};
use frostline::backbones::{Backbone, DEFAULT_BACKBONE, Decoding, Frozen, Home, RunOptions};
use frostline::phrases::counted;

const ROUNDS: usize = 7;
const BATCH: usize = 8;
/// Batches per round and lane.
const BATCHES: usize = 4;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let backbone = args.first().map_or(DEFAULT_BACKBONE, |name| name.as_str());
    let batch = args.get(1).map_or(Ok(BATCH), |batch| batch.parse())?;
    let mut lanes = Lanes::load(Path::new(backbone), batch)?;
    match &args[..] {
        [_, _, images, features] => serve(&mut lanes, Path::new(images), Path::new(features)),
        _ => measure(&mut lanes),
    }
}

/// A backbone and its replicas, and the batch that all of them run.
struct Lanes {
    backbones: Vec<Box<dyn Backbone>>,
    what: String,
    images: Vec<f32>,
    batch: usize,
}

impl Lanes {
    /// Loads a backbone by its name or file, with meaningless images.
    fn load(backbone: &Path, batch: usize) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let home =
            env::var_os("FROSTLINE_HOME").map_or_else(|| root.join(".frostline"), PathBuf::from);
        let run = RunOptions::new(Home::at(home));
        let frozen = Frozen::by_name(backbone, |_| {}, Decoding::default(), &run)?;
        let (width, height) = frozen.spec.preprocessing.output_size();
        let size = batch * 3 * width as usize * height as usize;
        let mut backbones = frozen.backbone.replicas();
        let what = format!(
            "frostline {} ({}, {} in {})",
            env!("CARGO_PKG_VERSION"),
            frozen.engine.runtime,
            counted(run.threads, "thread"),
            counted(1 + backbones.len(), "lane")
        );
        backbones.insert(0, Box::new(frozen.backbone));
        Ok(Self {
            backbones,
            what,
            images: (0..size).map(|i| (i % 255) as f32 / 127.5 - 1.0).collect(),
            batch,
        })
    }

    /// Returns the seconds for a number of batches, each run by the next free lane.
    fn seconds(&mut self, batches: usize) -> anyhow::Result<f64> {
        let start = Instant::now();
        let (next, images, batch) = (AtomicUsize::new(0), &self.images[..], self.batch);
        let run = |backbone: &mut dyn Backbone| -> frostline::Result<()> {
            while next.fetch_add(1, Ordering::Relaxed) < batches {
                backbone.forward(images, batch)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let lanes: Vec<_> = self
                .backbones
                .iter_mut()
                .map(|backbone| scope.spawn(|| run(backbone.as_mut())))
                .collect();
            lanes
                .into_iter()
                .try_for_each(|lane| lane.join().expect("a lane does not panic"))
        })?;
        Ok(start.elapsed().as_secs_f64())
    }
}

fn serve(lanes: &mut Lanes, images: &Path, features: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(images).with_context(|| format!("cannot read `{}`", images.display()))?;
    ensure!(
        bytes.len() == 4 * lanes.images.len(),
        "`{}` does not contain {} images",
        images.display(),
        lanes.batch
    );
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
    lanes.images = bytes.chunks_exact(4).map(number).collect();
    let rows = lanes.backbones[0].forward(&lanes.images, lanes.batch)?;
    let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(features, bytes).with_context(|| format!("cannot write `{}`", features.display()))?;
    println!("ready {}", lanes.what);
    for line in stdin().lines() {
        let line = line?;
        let Some(batches) = line.strip_prefix("go ") else {
            break;
        };
        println!("{:.9}", lanes.seconds(batches.parse()?)?);
        stdout().flush()?;
    }
    Ok(())
}

fn measure(lanes: &mut Lanes) -> anyhow::Result<()> {
    let batches = BATCHES * lanes.backbones.len();
    lanes.seconds(batches)?;
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        seconds.push(lanes.seconds(batches)?);
    }
    seconds.sort_by(f64::total_cmp);
    let images = (batches * lanes.batch) as f64;
    println!(
        "{}, batches of {}: {:.2} ms per image, median of {ROUNDS}",
        lanes.what,
        lanes.batch,
        1e3 * seconds[ROUNDS / 2] / images
    );
    Ok(())
}
