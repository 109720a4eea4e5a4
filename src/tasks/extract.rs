//! `extract`: images to features on disk.

mod known;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inputs::{Inputs, Skipped};
use crate::backbones::{
    DEFAULT_BACKBONE, Decoding, Engine, FeatureSpec, Frozen, Home, Overrides, RunOptions,
};
use crate::error::{Error, Result};
use crate::features::{
    All, Content, Digest, Dtype, Existing, Index, IndexRow, Item, Outcome, Picture, Pipeline,
    Recognise, Recognised, Sink, Speed, StoreManifest, StoreWriter, Timings,
};
use crate::images::{DecodeOptions, Found, Labels, Scan, SkipReason, Views};
use crate::progress::Progress;

/// What to extract, and how.
#[derive(Debug, Clone)]
pub struct ExtractOptions {
    /// The images.
    pub inputs: Inputs,
    /// The store.
    pub output: PathBuf,
    /// A backbone's name, or an ONNX file.
    pub backbone: PathBuf,
    /// What to change in its manifest.
    pub overrides: Overrides,
    /// From the file to pixels.
    pub decoding: DecodeOptions,
    /// Which views of each image.
    pub views: Views,
    /// How the network is run; as many threads are for decoding.
    pub run: RunOptions,
    /// Images that the network is given at once.
    pub batch_size: usize,
    /// How numbers are kept.
    pub dtype: Dtype,
    /// What to do with a store that is there already.
    pub existing: Existing,
    /// How files of an earlier run are known again.
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

/// What an extraction did.
#[derive(Debug, Clone)]
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
/// No images, a backbone or device that does not work, a store that holds something else or is being written, a full
/// disk; [`Error::Interrupted`] where `progress` asks for an end. Whatever ends it, what is computed is in the store.
/// Images that cannot be used are in the report.
pub fn extract(options: &ExtractOptions, progress: &dyn Progress) -> Result<ExtractReport> {
    extract_scan(options, options.inputs.scan(Labels::FromFolders)?, progress)
}

/// As [`extract`], of images that were found before: whoever shows the scan's notes can do so before anything is computed.
/// `options.inputs` is not looked at.
///
/// # Errors
/// As [`extract`].
pub fn extract_scan(
    options: &ExtractOptions,
    scan: Scan,
    progress: &dyn Progress,
) -> Result<ExtractReport> {
    let start = Instant::now();
    let decoding = Decoding::of(&options.decoding);
    let open = |manifest| StoreWriter::open(&options.output, manifest, options.existing);
    let known = match known::store(options, decoding)? {
        None => None,
        Some(manifest) => {
            let mut sink = StoreSink::new(open(manifest.clone())?);
            sink.recognise(options, &scan.entries, progress);
            if sink.recognised.covers(&scan.entries) {
                known::take_all(&scan.entries, &mut sink)?;
                let (ran, speed) = (Ran::nothing(manifest.spec), Speed::default());
                return report(sink, scan, ran, speed, start);
            }
            if progress.is_stopped() {
                return Err(sink.writer.keep(Error::Interrupted { kept: None }));
            }
            Some(sink)
        }
    };
    let adjust = |manifest: &mut _| options.overrides.apply(manifest);
    let mut frozen = Frozen::by_name(&options.backbone, adjust, decoding, &options.run)?;
    frozen.spec.views = options.views.list();
    let manifest = StoreManifest::new(frozen.spec.clone(), options.dtype, frozen.engine.clone());
    let mut sink = if let Some(mut sink) = known {
        sink.writer.go_on_with(manifest)?;
        sink
    } else {
        let mut sink = StoreSink::new(open(manifest)?);
        sink.recognise(options, &scan.entries, progress);
        sink
    };
    sink.refuse_read_only(options, &scan.entries)?;
    let pipeline = Pipeline {
        decoding: options.decoding,
        preprocessing: frozen.spec.preprocessing,
        views: frozen.spec.views.clone(),
        batch_size: options.batch_size,
        threads: options.run.threads,
    };
    let images = All::of(&scan.entries);
    match pipeline.run(images, &mut frozen.backbone, &mut sink, progress) {
        Ok(speed) => report(sink, scan, Ran::of(frozen), speed, start),
        Err(error) => Err(sink.writer.keep(error)),
    }
}

/// What ran.
struct Ran {
    notes: Vec<String>,
    spec: FeatureSpec,
    engine: Option<Engine>,
    why_not_gpu: Option<String>,
}

impl Ran {
    fn nothing(spec: FeatureSpec) -> Self {
        Self {
            notes: Vec::new(),
            spec,
            engine: None,
            why_not_gpu: None,
        }
    }

    fn of(frozen: Frozen) -> Self {
        Self {
            notes: frozen.notes(),
            why_not_gpu: frozen.backbone.why().map(str::to_owned),
            spec: frozen.spec,
            engine: Some(frozen.engine),
        }
    }
}

fn report(
    sink: StoreSink,
    scan: Scan,
    ran: Ran,
    speed: Speed,
    start: Instant,
) -> Result<ExtractReport> {
    let StoreSink {
        writer,
        index,
        pictures,
        computed,
        reused,
        ..
    } = sink;
    let last = Instant::now();
    let store_notes = writer.finish_run(&index, &pictures)?;
    let mut notes = [ran.notes, store_notes, scan.notes].concat();
    let timings = Timings {
        write: speed.timings.write + last.elapsed(),
        ..speed.timings
    };
    let mut classes = BTreeMap::new();
    for (row, _) in index.used() {
        *classes.entry(row.class.clone()).or_insert(0) += 1;
    }
    let unlabelled = classes.remove(&None).is_some();
    let classes: BTreeMap<String, usize> = classes
        .into_iter()
        .filter_map(|(class, n)| Some((class?, n)))
        .collect();
    if unlabelled && !classes.is_empty() {
        notes.push("some images have a class and some have none".to_owned());
    }
    let named: BTreeSet<&String> = index
        .rows
        .iter()
        .filter_map(|row| row.class.as_ref())
        .collect();
    let unusable = named
        .into_iter()
        .filter(|class| !classes.contains_key(*class))
        .cloned();
    let empty_classes = scan.empty_classes.iter().cloned().chain(unusable).collect();
    let skipped = index.rows.iter().filter_map(|row| {
        Some(Skipped {
            path: row.path.clone(),
            reason: row.content.as_ref().err()?.clone(),
        })
    });
    Ok(ExtractReport {
        computed,
        reused,
        skipped: skipped.collect(),
        classes,
        empty_classes,
        ignored: scan.ignored,
        notes,
        spec: ran.spec,
        engine: ran.engine,
        why_not_gpu: ran.why_not_gpu,
        speed: Speed { timings, ..speed },
        elapsed: start.elapsed(),
    })
}

/// Puts features into the store and samples into its index.
struct StoreSink {
    writer: StoreWriter,
    index: Index,
    /// The used files and what is in them.
    pictures: Vec<(PathBuf, Picture)>,
    recognised: Arc<Recognised>,
    computed: usize,
    reused: usize,
}

impl StoreSink {
    fn new(writer: StoreWriter) -> Self {
        Self {
            writer,
            index: Index::default(),
            pictures: Vec::new(),
            recognised: Arc::default(),
            computed: 0,
            reused: 0,
        }
    }
}

impl StoreSink {
    /// Refuses images whose features could not be kept.
    fn refuse_read_only(&self, options: &ExtractOptions, entries: &[Found]) -> Result<()> {
        if self.writer.can_write() || self.recognised.covers(entries) {
            return Ok(());
        }
        Err(Error::Input {
            problem: format!(
                "the feature store `{}` is read-only, and does not hold all of the images",
                options.output.display()
            ),
            hint: "make it writable, or write another store".to_owned(),
        })
    }

    /// Finds out which files need not be read again.
    fn recognise(&mut self, options: &ExtractOptions, entries: &[Found], progress: &dyn Progress) {
        let (how, decoding) = (options.recognise, &options.decoding);
        let threads = options.run.threads;
        let recognised = self
            .writer
            .recognise(entries, how, decoding, threads, progress);
        self.recognised = Arc::new(recognised);
    }
}

impl Sink for StoreSink {
    fn recognised(&self) -> Arc<Recognised> {
        Arc::clone(&self.recognised)
    }

    fn known(&self) -> Option<Arc<HashSet<Digest>>> {
        Some(self.writer.known())
    }

    fn accepts(&self, features: &[f32]) -> Result<(), SkipReason> {
        self.writer.dtype().holds(features)
    }

    fn take(&mut self, item: Item) -> Result<()> {
        let sample = item.found.sample();
        let content = match item.outcome {
            Outcome::Skipped(reason) => Err(reason.to_string()),
            Outcome::Reused(picture) => {
                self.reused += 1;
                Ok(picture)
            }
            Outcome::Computed(picture, features) => {
                self.computed += 1;
                self.writer.push(picture.digest, &features)?;
                Ok(picture)
            }
        };
        if let Ok(picture) = content {
            self.pictures.push((sample.path.clone(), picture));
        }
        self.index.rows.push(IndexRow {
            path: sample.name.clone(),
            class: sample.class.as_deref().map(str::to_owned),
            content: content.as_ref().map(Content::of).map_err(String::clone),
        });
        Ok(())
    }
}
