//! `extract`: images to features on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::inputs::{Inputs, Skipped};
use crate::backbones::{
    Convolutions, DEFAULT_BACKBONE, Decoding, Device, DeviceRequest, Engine, FeatureSpec, Frozen,
    Home, Overrides, Precision, RunOptions,
};
use crate::error::{Error, Result};
use crate::features::{
    Computed, Done, Dtype, Existing, Images, Index, Kept, Pipeline, Recognise, Source, Speed,
    StoreManifest, StoreWriter, is_store,
};
use crate::images::{DecodeOptions, Found, Labels, Scan, Views};
use crate::progress::Progress;

/// The options of [`extract`](crate::tasks::extract()): what to extract, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExtractOptions {
    /// The images.
    pub inputs: Inputs,
    /// The folder of the feature store.
    pub output: PathBuf,
    /// A backbone's name, or the path of an ONNX file.
    pub backbone: PathBuf,
    /// What to change in its manifest.
    pub overrides: Overrides,
    /// How files are decoded.
    pub decoding: DecodeOptions,
    /// Which views of each image are kept.
    pub views: Views,
    /// How the network is run; `threads` is the number of decoding threads, too.
    pub run: RunOptions,
    /// The batch size of the network, in images.
    pub batch_size: usize,
    /// The precision in which features are kept.
    pub dtype: Dtype,
    /// What to do with a store that exists.
    pub existing: Existing,
    /// How unchanged files of an earlier run are recognised.
    pub recognise: Recognise,
}

impl ExtractOptions {
    /// The default backbone, on all CPUs that this process may use.
    #[must_use]
    pub fn new(inputs: Inputs, output: PathBuf, home: Home) -> Self {
        Self {
            inputs,
            output,
            backbone: DEFAULT_BACKBONE.into(),
            overrides: Overrides::default(),
            decoding: DecodeOptions::default(),
            views: Views::default(),
            run: RunOptions::new(home),
            batch_size: 8,
            dtype: Dtype::default(),
            existing: Existing::default(),
            recognise: Recognise::default(),
        }
    }
}

/// The counts and times of an extraction.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExtractReport {
    /// Images whose features were computed.
    pub computed: usize,
    /// Images whose features were known.
    pub reused: usize,
    /// Images that could not be used, in input order.
    pub skipped: Vec<Skipped>,
    /// Used images of each class; empty without classes.
    pub classes: BTreeMap<String, usize>,
    /// Class folders without a usable image.
    pub empty_classes: Vec<String>,
    /// Files left out since they are no images, by extension.
    pub ignored: BTreeMap<String, usize>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// What the features are features of.
    pub spec: FeatureSpec,
    /// What ran the network; nothing where all features were known.
    pub engine: Option<Engine>,
    /// Why `auto` did not take a GPU.
    pub why_not_gpu: Option<String>,
    /// How long the stages were at work, and what kept them from being faster.
    pub speed: Speed,
    /// How long it took from scan to index.
    pub elapsed: Duration,
}

impl ExtractReport {
    /// Images whose features are in the store.
    #[must_use]
    pub fn used(&self) -> usize {
        self.computed + self.reused
    }
}

/// Extracts the features of images into a store.
///
/// # Errors
/// No images, a backbone or device that does not work, a store that holds something else or is being written,
/// a full disk; [`Error::Interrupted`] where `progress` asks for an end. Whatever ends it, what is computed
/// is in the store. Images that cannot be used are in the report.
pub fn extract(options: &ExtractOptions, progress: &dyn Progress) -> Result<ExtractReport> {
    extract_scan(options, options.inputs.scan(Labels::FromFolders)?, progress)
}

/// Like [`extract`], but of images that were found before: whoever shows the scan's notes can do so before
/// anything is computed. `options.inputs` is not used.
///
/// # Errors
/// As [`extract`].
pub fn extract_scan(
    options: &ExtractOptions,
    scan: Scan,
    progress: &dyn Progress,
) -> Result<ExtractReport> {
    let start = Instant::now();
    let (store, network) = store_and_network(options, &scan.entries, progress)?;
    let spec = store.spec().clone();
    let source = Source::from(Computed {
        images: Images::of(&scan.entries),
        pipeline: Pipeline {
            decoding: options.decoding,
            preprocessing: spec.preprocessing,
            views: spec.views.clone(),
            batch_size: options.batch_size,
            threads: options.run.threads,
        },
        network,
        store: Some(store),
    });
    let engine = source.engine().cloned();
    let done = source.each(&[], progress, &mut |_| Ok(()))?;
    Ok(report(done, scan, spec, engine, start))
}

fn report(
    done: Done,
    scan: Scan,
    spec: FeatureSpec,
    engine: Option<Engine>,
    start: Instant,
) -> ExtractReport {
    let (classes, unlabelled) = classes(&done.index);
    let mut notes = [done.network_notes, done.store_notes, scan.notes].concat();
    if unlabelled && !classes.is_empty() {
        notes.push("some images have a class and some have none".to_owned());
    }
    let empty_classes = [scan.empty_classes, unusable(&done.index, &classes)].concat();
    let skipped = done.index.rows.into_iter().filter_map(|row| {
        let (path, reason) = (row.path, row.content.err()?);
        Some(Skipped { path, reason })
    });
    ExtractReport {
        computed: done.computed,
        reused: done.reused,
        skipped: skipped.collect(),
        classes,
        empty_classes,
        ignored: scan.ignored,
        notes,
        spec,
        engine,
        why_not_gpu: done.why_not_gpu,
        speed: done.speed,
        elapsed: start.elapsed(),
    }
}

/// Opens the store, and loads the network unless the store certainly knows all images.
fn store_and_network(
    options: &ExtractOptions,
    entries: &[Found],
    progress: &dyn Progress,
) -> Result<(Kept, Option<Frozen>)> {
    let open = |manifest| -> Result<Kept> {
        let writer = StoreWriter::open(&options.output, manifest, options.existing)?;
        let how = (options.recognise, &options.decoding);
        let threads = options.run.threads;
        Ok(Kept::extraction(writer, entries, how, threads, progress))
    };
    let known = certain_manifest(options)?.map(open).transpose()?;
    match known {
        Some(store) if store.covers(entries) => return Ok((store, None)),
        Some(store) if progress.is_stopped() => {
            return Err(store.keep(Error::Interrupted { kept: None }));
        }
        Some(_) | None => {}
    }
    let adjust = |manifest: &mut _| options.overrides.apply(manifest);
    let decoding = Decoding::of(&options.decoding);
    let mut network = Frozen::by_name(&options.backbone, adjust, decoding, &options.run)?;
    network.spec.views = options.views.list();
    let (spec, engine) = (network.spec.clone(), network.engine.clone());
    let manifest = StoreManifest::new(spec, options.dtype, engine);
    let store = match known {
        Some(store) => store.go_on_with(manifest)?,
        None => open(manifest)?,
    };
    store.refuse_read_only(entries)?;
    Ok((store, Some(network)))
}

/// The manifest of the store that is there, if it is certain without the network that this run asks for the
/// same.
///
/// # Errors
/// A store or a network that cannot be read.
fn certain_manifest(options: &ExtractOptions) -> Result<Option<StoreManifest>> {
    let run = &options.run;
    // Whatever else was asked for is to be found to work, or not to.
    let usual = run.precision == Precision::Fp32
        && run.convolutions == Convolutions::Auto
        && matches!(
            run.device,
            DeviceRequest::Auto | DeviceRequest::Exactly(Device::Cpu)
        );
    if !usual || options.existing == Existing::Overwrite || !is_store(&options.output) {
        return Ok(None);
    }
    let Some(manifest) = StoreManifest::read_intact(&options.output)? else {
        return Ok(None);
    };
    let adjust = |manifest: &mut _| options.overrides.apply(manifest);
    // Whoever adds features of another precision is told so.
    let same = manifest.engine.precision == run.precision
        && manifest.dtype == options.dtype
        && manifest.spec.views == options.views.list()
        && manifest.spec.decoding == Decoding::of(&options.decoding)
        && Frozen::is_backbone_of(&manifest.spec, &options.backbone, adjust, run)?;
    Ok(same.then_some(manifest))
}

/// How many images of each class are used, and whether any image has no class.
fn classes(index: &Index) -> (BTreeMap<String, usize>, bool) {
    let mut classes = BTreeMap::new();
    let mut unlabelled = false;
    for (row, _) in index.used() {
        match &row.class {
            Some(class) => *classes.entry(class.clone()).or_insert(0) += 1,
            None => unlabelled = true,
        }
    }
    (classes, unlabelled)
}

/// The classes of the index of which no image is used.
fn unusable(index: &Index, used: &BTreeMap<String, usize>) -> Vec<String> {
    let named = index.rows.iter().filter_map(|row| row.class.as_ref());
    let named: BTreeSet<&String> = named.collect();
    let unused = named.into_iter().filter(|class| !used.contains_key(*class));
    unused.cloned().collect()
}
