//! `extract`: computes the features of images and stores them on disk.

mod again;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::inputs::{Inputs, Skipped};
use super::laid_labels::{LabelOptions, LaidLabels, lay_over_scan};
use super::provide::provide;
use crate::backbones::{
    Convolutions, DEFAULT_BACKBONE, Decoding, Device, DeviceRequest, Engine, FeatureSpec, Frozen,
    Home, Overrides, Precision, RunOptions,
};
use crate::error::{Error, Result};
use crate::features::{
    Computed, Done, Dtype, Existing, Images, Kept, Pipeline, Recognise, Source, Speed,
    StoreManifest, StoreWriter, is_store,
};
use crate::images::{DecodeOptions, Entries, Scan, Shard, Views};
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
    /// Changes to its manifest.
    pub overrides: Overrides,
    /// Labels for the store's index instead of the classes of folders; images without one have none.
    pub labels: Option<LabelOptions>,
    /// How files are decoded.
    pub decoding: DecodeOptions,
    /// Which views of each image are stored.
    pub views: Views,
    /// How the network is run; `threads` is also the number of decoding threads.
    pub run: RunOptions,
    /// The batch size of the network, in images.
    pub batch_size: usize,
    /// The precision in which features are stored.
    pub dtype: Dtype,
    /// What to do with an existing store.
    pub existing: Existing,
    /// How files that have not changed since an earlier run are recognised.
    pub recognise: Recognise,
    /// Extracts only the images of a shard, into a store of its own.
    pub shard: Option<Shard>,
    /// Extracts only the images that the store's index lists as skipped, and keeps the rows of the others.
    pub retry_failed: bool,
}

impl ExtractOptions {
    /// Extracts with the default backbone, on all CPUs available to this process.
    #[must_use]
    pub fn new(inputs: Inputs, output: PathBuf, home: Home) -> Self {
        Self {
            inputs,
            output,
            backbone: DEFAULT_BACKBONE.into(),
            overrides: Overrides::default(),
            labels: None,
            decoding: DecodeOptions::default(),
            views: Views::default(),
            run: RunOptions::new(home),
            batch_size: 8,
            dtype: Dtype::default(),
            existing: Existing::default(),
            recognise: Recognise::default(),
            shard: None,
            retry_failed: false,
        }
    }

    /// Finds the images to extract: those of the shard.
    ///
    /// # Errors
    /// Those of [`Inputs::scan`].
    pub fn scan(&self, progress: &dyn Progress) -> Result<Scan> {
        let mut scan = match (&self.inputs, self.shard) {
            (Inputs::List(paths), Some(shard)) => shard.scan_list(paths, progress)?,
            _ => self
                .inputs
                .scan(LabelOptions::scanned(self.labels.as_ref()), progress)?,
        };
        // A list is divided before its files are looked at.
        if let (Inputs::Paths(..), Some(shard)) = (&self.inputs, self.shard) {
            shard.keep(&mut scan.entries);
        }
        Ok(scan)
    }
}

/// The counts and times of an extraction.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExtractReport {
    /// Images whose features were computed.
    pub computed: usize,
    /// Images whose features were already known: cached, or those of a duplicate.
    pub reused: usize,
    /// Images that could not be used, in input order.
    pub skipped: Vec<Skipped>,
    /// Used images of each class; empty without classes.
    pub classes: BTreeMap<String, usize>,
    /// Class folders without a usable image.
    pub empty_classes: Vec<String>,
    /// Files that were ignored because they are not images, by extension.
    pub ignored: BTreeMap<String, usize>,
    /// How the label file and the images correspond, if there is one. Those without a label are used too.
    pub laid_labels: Option<LaidLabels>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The file of a Python package that the backbone was installed from, if this run has installed it.
    pub installed_from: Option<PathBuf>,
    /// The backbone, preprocessing and views behind the features.
    pub spec: FeatureSpec,
    /// The engine that ran the network; `None` if all features were cached.
    pub engine: Option<Engine>,
    /// Why `auto` did not choose a GPU.
    pub why_not_gpu: Option<String>,
    /// How long each stage was busy, and what limited the speed.
    pub speed: Speed,
    /// The time from the start of the extraction to the written index.
    pub elapsed: Duration,
}

impl ExtractReport {
    /// Returns the number of images whose features are in the store.
    #[must_use]
    pub fn used(&self) -> usize {
        self.computed + self.reused
    }
}

/// Extracts the features of images into a store.
///
/// # Errors
/// No images, a backbone or device that does not work, a store that holds other features or is being written
/// by another process, a full disk, or [`Error::Interrupted`] if `progress` asks to stop. In each case, the
/// features computed so far are in the store. Images that cannot be used are listed in the report and are not
/// errors.
pub fn extract(options: &ExtractOptions, progress: &dyn Progress) -> Result<ExtractReport> {
    extract_scan(options, options.scan(progress)?, progress)
}

/// Like [`extract`], for the result of [`ExtractOptions::scan`], so that a caller can show the scan's notes
/// before anything is computed. The record of a shard names `options.inputs`.
///
/// # Errors
/// Those of [`extract`].
pub fn extract_scan(
    options: &ExtractOptions,
    mut scan: Scan,
    progress: &dyn Progress,
) -> Result<ExtractReport> {
    let start = Instant::now();
    let lay = |labels| lay_over_scan(labels, &mut scan, true);
    let laid_labels = options.labels.as_ref().map(lay).transpose()?;
    let again = || again::keep_skipped(&mut scan, &options.output);
    let gone = options.retry_failed.then(again).transpose()?;
    let provided = provide(&options.backbone, &options.run.home)?;
    let (store, network) = store_and_network(options, &scan.entries, gone.as_ref(), progress)?;
    let spec = store.spec().clone();
    let source = Source::from(Computed {
        images: Images::recognised(&scan.entries, store.recognised()),
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
    let empty_folders = scan.empty_classes.clone();
    let mut report = report(done, scan, spec, engine, start);
    report.installed_from = provided;
    report.laid_labels = laid_labels;
    if options.shard.is_some() || options.retry_failed {
        // The other images of a class may be usable.
        report.empty_classes = empty_folders;
    }
    Ok(report)
}

fn report(
    done: Done,
    scan: Scan,
    spec: FeatureSpec,
    engine: Option<Engine>,
    start: Instant,
) -> ExtractReport {
    let mut classes = done.listed.classes;
    let unlabelled = classes.remove(&None).is_some_and(|used| used > 0);
    let classes = classes
        .into_iter()
        .filter_map(|(class, used)| Some((class?, used)));
    let (classes, unusable): (BTreeMap<_, _>, BTreeMap<_, _>) = classes.partition(|&(_, n)| n > 0);
    let mut notes = [done.network_notes, done.store_notes, scan.notes].concat();
    if unlabelled && !classes.is_empty() {
        notes.push("some images have a class and some have none".to_owned());
    }
    let mut empty_classes = scan.empty_classes;
    empty_classes.extend(unusable.into_keys());
    let skipped = done.listed.skipped.into_iter();
    let skipped = skipped.map(|(path, reason)| Skipped { path, reason });
    ExtractReport {
        computed: done.computed,
        reused: done.reused,
        skipped: skipped.collect(),
        classes,
        empty_classes,
        ignored: scan.ignored,
        laid_labels: None,
        notes,
        installed_from: None,
        spec,
        engine,
        why_not_gpu: done.why_not_gpu,
        speed: done.speed,
        elapsed: start.elapsed(),
    }
}

/// Opens the store, and loads the network unless the store is certain to have all features.
fn store_and_network(
    options: &ExtractOptions,
    entries: &Entries,
    gone: Option<&HashSet<String>>,
    progress: &dyn Progress,
) -> Result<(Kept, Option<Frozen>)> {
    let open = |manifest| -> Result<Kept> {
        let mut writer = StoreWriter::open(&options.output, manifest, options.existing)?;
        let how = (options.recognise, &options.decoding);
        let threads = options.run.threads;
        if let Some(gone) = gone {
            let store = Kept::extraction(writer, entries, how, threads, progress)?;
            return Ok(store.keeping_others(gone.clone()));
        }
        writer.begin(options.shard, entries, || options.inputs.named())?;
        Kept::extraction(writer, entries, how, threads, progress)
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

/// Returns the existing store's manifest if this run certainly needs the same features, which is decided
/// without loading the network.
///
/// # Errors
/// A store or a network that cannot be read.
fn certain_manifest(options: &ExtractOptions) -> Result<Option<StoreManifest>> {
    let run = &options.run;
    // Any other request loads the network, to check that the device or precision works.
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
    // A difference in precision loads the network too, so that the user gets the note about it.
    let same = manifest.engine.precision == run.precision
        && manifest.dtype == options.dtype
        && manifest.spec.views == options.views.list()
        && manifest.spec.decoding == Decoding::of(&options.decoding)
        && Frozen::is_backbone_of(&manifest.spec, &options.backbone, adjust, run)?;
    Ok(same.then_some(manifest))
}
