//! Images a second from folder to features, beside what bare ONNX Runtime does on ready tensors of the same batch size.
//!
//! `cargo bench --bench extract [-- IMAGES]`, after `scripts/setup.sh`. Rounds of both are run in turn; medians are
//! printed with their ratio. Without IMAGES, the emoji of `scripts/quickstart.sh` are taken, a class of them.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Instant;

use frostline::backbones::{
    Backbone, DEFAULT_BACKBONE, Decoding, DeviceRequest, Frozen, Home, RunOptions,
};
use frostline::features::{Digest, Item, Pipeline, Sink};
use frostline::images::{DecodeOptions, Labels, Scan, scan_folder};
use frostline::progress::Silent;

const ROUNDS: usize = 5;
const BATCH: usize = 8;

/// Takes features and keeps none: the store's writing is less than a percent of the time.
struct Drain;

impl Sink for Drain {
    fn known(&self) -> Option<&HashSet<Digest>> {
        None
    }

    fn take(&mut self, _item: Item) -> frostline::Result<()> {
        Ok(())
    }
}

fn main() -> frostline::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = env::var_os("FROSTLINE_HOME").map_or_else(|| root.join(".frostline"), PathBuf::from);
    let run = RunOptions {
        home: Home::at(home),
        device: DeviceRequest::Auto,
        threads,
    };
    let mut frozen = Frozen::by_name(
        Path::new(DEFAULT_BACKBONE),
        |_| {},
        Decoding::default(),
        &run,
    )?;
    let images = env::args_os()
        .skip(1)
        .find(|arg| !arg.to_string_lossy().starts_with("--"));
    let images = images.map_or_else(|| root.join("data/emoji/train/objects"), PathBuf::from);
    let scan = scan_folder(&images, Labels::None)?;
    let pipeline = Pipeline {
        decoding: DecodeOptions::default(),
        preprocessing: frozen.spec.preprocessing,
        batch_size: BATCH,
        threads,
    };
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(bare_rate(&mut frozen, scan.entries.len())?);
        whole.push(pipeline_rate(&pipeline, &scan, &mut frozen)?);
    }
    let (bare, whole) = (median(bare), median(whole));
    println!(
        "{} images, batches of {BATCH}, {threads} threads, {}, median of {ROUNDS}",
        scan.entries.len(),
        frozen.engine.runtime
    );
    println!("bare ONNX Runtime  {bare:7.1} images/s");
    println!("folder to features {whole:7.1} images/s");
    println!("ratio              {:7.3}", whole / bare);
    Ok(())
}

fn bare_rate(frozen: &mut Frozen, n: usize) -> frostline::Result<f64> {
    let size = frozen.spec.preprocessing.num_values();
    let tensors: Vec<f32> = (0..BATCH * size)
        .map(|i| (i % 255) as f32 / 127.5 - 1.0)
        .collect();
    let start = Instant::now();
    for first in (0..n).step_by(BATCH) {
        let count = BATCH.min(n - first);
        frozen.backbone.forward(&tensors[..count * size], count)?;
    }
    Ok(n as f64 / start.elapsed().as_secs_f64())
}

fn pipeline_rate(pipeline: &Pipeline, scan: &Scan, frozen: &mut Frozen) -> frostline::Result<f64> {
    let start = Instant::now();
    pipeline.run(&scan.entries, &mut frozen.backbone, &mut Drain, &Silent)?;
    Ok(scan.entries.len() as f64 / start.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
