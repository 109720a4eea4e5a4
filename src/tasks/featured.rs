//! Images with their features, computed or from a store, as they are known: what every prediction starts from.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ndarray::{ArrayView2, Axis};

use super::classify::{ClassifyOptions, ClassifyReport};
use super::extract::StoreSink;
use crate::backbones::{FeatureSpec, Frozen};
use crate::classifier::Classifier;
use crate::error::{Error, Result};
use crate::features::{
    All, Digest, Dtype, Existing, FeatureStore, Item, Named, Next, Outcome, Pipeline, Sink, Source,
    StoreManifest, StoreWriter, is_store,
};
use crate::images::path_text::to_text;
use crate::images::{Found, Scan, View, scan_list};
use crate::progress::Progress;

/// An image with its features, or with the reason why it has none.
pub(super) struct Featured<'a> {
    /// The path to open, as text.
    pub(super) path: String,
    /// The class of its folder, where folders are classes.
    pub(super) class: Option<String>,
    /// The digest of its bytes with its features (V, D).
    pub(super) features: Result<(Digest, ArrayView2<'a, f32>), String>,
}

/// Where the images come from.
pub(super) enum Images {
    /// They were all found before.
    Scanned(Scan),
    /// Another thread names them one after the other.
    Named(Named),
}

impl Images {
    /// All of them, as soon as the last one is named.
    fn scanned(self, progress: &dyn Progress) -> Result<Scan> {
        let mut names = match self {
            Self::Scanned(scan) => return Ok(scan),
            Self::Named(names) => names,
        };
        let mut scan = scan_list(Vec::new());
        while !progress.is_stopped() {
            match names.next(PATIENCE)? {
                Next::Found(found) => scan.entries.push(found),
                Next::NotYet => {}
                Next::End => return Ok(scan),
            }
        }
        Err(Error::Interrupted { kept: None })
    }
}

/// After so long without a name it is looked whether the run is to end.
const PATIENCE: Duration = Duration::from_millis(50);

/// Gives each image with the features that a head was trained on to `each`, in input order, as soon as they are known; with
/// a store, when all are in it.
///
/// # Errors
/// As [`classify`](super::classify()); neither `options.head` nor `options.inputs` is looked at.
pub(super) fn with_features(
    classifier: &Classifier,
    options: &ClassifyOptions,
    images: Images,
    progress: &dyn Progress,
    each: &mut dyn FnMut(Featured<'_>) -> Result<()>,
) -> Result<ClassifyReport> {
    let wanted = classifier.spec();
    let existing = existing_store(options.store.as_deref())?;
    let spec = spec_for(wanted, existing.as_ref());
    let mut frozen = Frozen::for_spec(&spec, options.backbone.as_deref(), &options.run)?;
    let (batch, threads) = (options.batch_size, options.run.threads);
    let pipeline = Pipeline::of(&spec, options.limits, batch, threads);
    let mut counts = Counts::default();
    let mut counted = |image: Featured<'_>| {
        *if image.features.is_ok() {
            &mut counts.used
        } else {
            &mut counts.skipped
        } += 1;
        each(image)
    };
    let (mut notes, ignored) = match &options.store {
        None => {
            let mut sink = PassOn {
                views: spec.views.len(),
                each: &mut counted,
            };
            let network = &mut frozen.backbone;
            match images {
                Images::Scanned(scan) => {
                    pipeline.run(All::of(&scan.entries), network, &mut sink, progress)?;
                    (scan.notes, scan.ignored)
                }
                Images::Named(names) => {
                    pipeline.run(names, network, &mut sink, progress)?;
                    Default::default()
                }
            }
        }
        Some(store) => {
            let scan = images.scanned(progress)?;
            let dtype = existing.map_or(Dtype::default(), |store| store.dtype);
            let manifest = StoreManifest::new(frozen.spec.clone(), dtype, frozen.engine.clone());
            let writer = StoreWriter::open(store, manifest, Existing::Extend)?;
            let (rows, mut notes) = extend(writer, &pipeline, &scan, &mut frozen, progress)?;
            from_store(store, &wanted.views, &rows, &mut counted)?;
            notes.extend(scan.notes);
            (notes, scan.ignored)
        }
    };
    notes.extend(frozen.notes());
    let Counts { used, skipped } = counts;
    Ok(ClassifyReport {
        used,
        rejected: 0,
        trained_on: 0,
        skipped,
        ignored,
        notes,
        classes: classifier.classes().clone(),
        engine: frozen.engine,
        why_not_gpu: frozen.backbone.why().map(str::to_owned),
    })
}

#[derive(Default)]
struct Counts {
    used: usize,
    skipped: usize,
}

/// Passes each image's features on as they come: nothing is kept.
struct PassOn<'a> {
    /// V, at least 1.
    views: usize,
    each: &'a mut dyn FnMut(Featured<'_>) -> Result<()>,
}

impl Sink for PassOn<'_> {
    fn known(&self) -> Option<Arc<HashSet<Digest>>> {
        None
    }

    fn take(&mut self, item: Item) -> Result<()> {
        let (path, class) = described(&item.found);
        let computed;
        let features = match item.outcome {
            Outcome::Skipped(reason) => Err(reason.to_string()),
            Outcome::Computed(picture, features) => {
                computed = features;
                let shape = (self.views, computed.len() / self.views);
                let rows = ArrayView2::from_shape(shape, &computed);
                let rows = rows.expect("the pipeline gives each view as many numbers");
                Ok((picture.digest, rows))
            }
            Outcome::Reused(_) => {
                unreachable!("a sink that knows no digest is given every image's features")
            }
        };
        (self.each)(Featured {
            path,
            class,
            features,
        })
    }
}

/// A path that can be opened, as text, and the class of its folder.
fn described(found: &Found) -> (String, Option<String>) {
    let sample = found.sample();
    (
        to_text(&sample.path),
        sample.class.as_deref().map(str::to_owned),
    )
}

/// The manifest of the store, where there is one already.
fn existing_store(store: Option<&Path>) -> Result<Option<StoreManifest>> {
    let store = store.filter(|path| is_store(path));
    store.map(StoreManifest::read).transpose()
}

/// What is to be computed: the wanted views, or all those of a store that has them among others.
fn spec_for(wanted: &FeatureSpec, existing: Option<&StoreManifest>) -> FeatureSpec {
    match existing.map(|store| &store.spec) {
        Some(theirs) if theirs.has_views(&wanted.views) => wanted.with_views(&theirs.views),
        _ => wanted.clone(),
    }
}

type Row = (String, Option<String>, Result<Digest, String>);

/// Adds what is missing; the store's index, the samples of its own last run, stays as it is.
fn extend(
    writer: StoreWriter,
    pipeline: &Pipeline,
    scan: &Scan,
    frozen: &mut Frozen,
    progress: &dyn Progress,
) -> Result<(Vec<Row>, Vec<String>)> {
    let mut sink = StoreSink::new(writer);
    let images = All::of(&scan.entries);
    if let Err(error) = pipeline.run(images, &mut frozen.backbone, &mut sink, progress) {
        return Err(sink.keep(error));
    }
    let notes = sink.writer.notes().to_vec();
    sink.writer.finish()?;
    let digests = sink
        .index
        .rows
        .into_iter()
        .map(|row| row.content.map(|content| content.digest));
    let rows = scan.entries.iter().map(described).zip(digests);
    Ok((
        rows.map(|((path, class), digest)| (path, class, digest))
            .collect(),
        notes,
    ))
}

/// Rows whose features are read from the store at once.
const CHUNK: usize = 8192;

fn from_store(
    store: &Path,
    views: &[View],
    rows: &[Row],
    each: &mut dyn FnMut(Featured<'_>) -> Result<()>,
) -> Result<()> {
    let store = FeatureStore::open(store)?;
    for chunk in rows.chunks(CHUNK) {
        let digests: Vec<Digest> = chunk
            .iter()
            .filter_map(|(_, _, digest)| digest.as_ref().ok().copied())
            .collect();
        let features = store.views(&digests, views)?;
        let mut images = features.axis_chunks_iter(Axis(0), views.len().max(1));
        for (path, class, digest) in chunk {
            let features = digest.as_ref().map_err(Clone::clone);
            each(Featured {
                path: path.clone(),
                class: class.clone(),
                features: features
                    .map(|&digest| (digest, images.next().expect("rows for each digest"))),
            })?;
        }
    }
    Ok(())
}
