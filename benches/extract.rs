//! Measures images per second from a folder to features, compared with bare ONNX Runtime with its default
//! settings on ready tensors of the same batch size.
//!
//! `cargo bench --bench extract [-- IMAGES [BACKBONE [N]]]`, after `frostline setup`, runs rounds of both in
//! turn and prints medians and their ratio. IMAGES defaults to the training emoji of
//! `scripts/quickstart.sh`; N limits the number of images.
//!
//! `extract --whole IMAGES BACKBONE` and `extract --bare BACKBONE` are workers of `scripts/bench_peers.sh`:
//! they print `ready WHAT` and answer each line `go` (the second one each line `go N`, for N images) with
//! seconds.

use std::env;
use std::io::{BufRead, BufReader, Lines, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use frostline::backbones::{
    DEFAULT_BACKBONE, Decoding, Frozen, Home, Registry, RunOptions, RuntimeLibrary,
};
use frostline::features::{Images, Known, Pipeline};
use frostline::images::{DecodeOptions, Labels, Scan, scan_folder};
use frostline::progress::Silent;
use ort::session::Session;
use ort::value::TensorRef;

const ROUNDS: usize = 7;
const BATCH: usize = 8;

/// The argument that runs bare ONNX Runtime, in its own process because a process can start the runtime only
/// once.
const BARE: &str = "--bare";
/// The argument that runs frostline's pipeline.
const WHOLE: &str = "--whole";

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = env::var_os("FROSTLINE_HOME").map_or_else(|| root.join(".frostline"), PathBuf::from);
    let home = Home::at(home);
    let args: Vec<_> = env::args_os()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    match &args[..] {
        [flag, backbone] if flag == BARE => return serve_bare(&home, Path::new(backbone)),
        [flag, images, backbone] if flag == WHOLE => {
            return serve_whole(Path::new(images), Path::new(backbone), home);
        }
        _ => {}
    }
    let emoji = root.join("data/emoji/train");
    let images = args.first().map_or(emoji, PathBuf::from);
    let backbone = args.get(1).map_or(DEFAULT_BACKBONE.as_ref(), Path::new);
    let count = args.get(2).and_then(|n| n.to_str()?.parse().ok());
    compare(&images, backbone, count, home)
}

fn compare(images: &Path, backbone: &Path, count: Option<usize>, home: Home) -> anyhow::Result<()> {
    let mut ours = Whole::load(images, backbone, count, home)?;
    let images = ours.scan.entries.len();
    let mut other = Bare::start(backbone)?;
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(images as f64 / other.seconds(images)?);
        whole.push(images as f64 / ours.seconds()?);
    }
    println!(
        "{images} images, batches of {BATCH}, {} CPUs, {}, median of {ROUNDS}",
        ours.pipeline.threads, ours.frozen.engine.runtime
    );
    let ratios = whole.iter().zip(&bare).map(|(w, b)| w / b).collect();
    println!("bare ONNX Runtime  {:7.1} images/s", median(bare));
    println!("folder to features {:7.1} images/s", median(whole));
    println!("ratio              {:7.3}", median(ratios));
    Ok(())
}

/// frostline's pipeline over a folder.
struct Whole {
    pipeline: Pipeline,
    scan: Scan,
    frozen: Frozen,
}

impl Whole {
    fn load(
        images: &Path,
        backbone: &Path,
        count: Option<usize>,
        home: Home,
    ) -> anyhow::Result<Self> {
        let run = RunOptions::new(home);
        let frozen = Frozen::by_name(backbone, |_| {}, Decoding::default(), &run)?;
        let mut scan = scan_folder(images, Labels::None)?;
        scan.entries = scan
            .entries
            .iter()
            .take(count.unwrap_or(usize::MAX))
            .collect();
        let pipeline = Pipeline {
            decoding: DecodeOptions::default(),
            preprocessing: frozen.spec.preprocessing,
            views: frozen.spec.views.clone(),
            batch_size: BATCH,
            threads: run.threads,
        };
        Ok(Self {
            pipeline,
            scan,
            frozen,
        })
    }

    fn seconds(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let (images, backbone) = (Images::of(&self.scan.entries), &mut self.frozen.backbone);
        // The features are dropped: writing a store takes less than one percent of the time.
        let mut drop_all = |_| Ok(());
        self.pipeline
            .run(images, backbone, &Known::default(), &Silent, &mut drop_all)?;
        Ok(start.elapsed().as_secs_f64())
    }
}

fn serve_whole(images: &Path, backbone: &Path, home: Home) -> anyhow::Result<()> {
    let mut whole = Whole::load(images, backbone, None, home)?;
    println!(
        "ready frostline {} ({})",
        env!("CARGO_PKG_VERSION"),
        whole.frozen.engine.runtime
    );
    for line in stdin().lines() {
        if line? != "go" {
            break;
        }
        println!("{:.9}", whole.seconds()?);
    }
    Ok(())
}

/// The process that runs bare ONNX Runtime: reads a number of images, prints seconds.
struct Bare {
    process: Child,
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Bare {
    fn start(backbone: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .arg(BARE)
            .arg(backbone)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asks = process.stdin.take().context("the input is a pipe")?;
        let answers = process.stdout.take().context("the output is a pipe")?;
        let mut answers = BufReader::new(answers).lines();
        answers.next().context("the process has not started")??;
        Ok(Self {
            process,
            asks,
            answers,
        })
    }

    /// Returns the seconds for a number of images: their share of the whole batches that are run.
    fn seconds(&mut self, images: usize) -> anyhow::Result<f64> {
        writeln!(self.asks, "go {images}")?;
        let answer = self.answers.next().context("the process has ended")??;
        Ok(answer.parse()?)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // The process has nothing to save.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve_bare(home: &Home, backbone: &Path) -> anyhow::Result<()> {
    let library = RuntimeLibrary::find(home)?;
    let environment = ort::init_from(&library.path)?.build()?;
    let network = Registry::new(home.clone()).resolve(backbone)?;
    let mut session = Session::builder(&environment)?.commit_from_file(&network.path)?;
    let (width, height) = network.manifest.preprocessing.output_size();
    let shape = [BATCH, 3, height as usize, width as usize];
    let size: usize = shape.iter().product();
    let tensors: Vec<f32> = (0..size).map(|i| (i % 255) as f32 / 127.5 - 1.0).collect();
    println!("ready ONNX Runtime {}", library.version);
    for line in stdin().lines() {
        let line = line?;
        let Some(images) = line.strip_prefix("go ") else {
            break;
        };
        let images: usize = images.parse()?;
        let start = Instant::now();
        for _ in 0..images.div_ceil(BATCH) {
            let batch = TensorRef::from_array_view((shape, &tensors[..]))?;
            session.run(ort::inputs![batch])?;
        }
        let run = images.next_multiple_of(BATCH);
        let seconds = start.elapsed().as_secs_f64();
        println!("{:.9}", seconds * images as f64 / run as f64);
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
