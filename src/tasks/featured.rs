//! Images with their features, computed or from a store, as they are known: what every prediction starts from.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};

use super::classify::{ClassifyOptions, ClassifyReport};
use crate::backbones::{FeatureSpec, Frozen};
use crate::classifier::Classifier;
use crate::error::Result;
use crate::features::{
    All, Digest, Dtype, Existing, FeatureReader, Item, Named, Outcome, Pipeline, Sink,
    StoreManifest, StoreWriter, is_store,
};
use crate::images::path_text::to_text;
use crate::images::{Found, PIXEL_VERSION, Scan, SkipReason, View};
use crate::phrases::counted;
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

/// Gives each image with the features that a head was trained on to `each`, in input order, as soon as they are known.
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
    let mut counting = |image: Featured<'_>| {
        *if image.features.is_ok() {
            &mut counts.used
        } else {
            &mut counts.skipped
        } += 1;
        each(image)
    };
    let store = match &options.store {
        None => None,
        Some(path) => {
            let dtype = existing.map_or(Dtype::default(), |store| store.dtype);
            let manifest = StoreManifest::new(frozen.spec.clone(), dtype, frozen.engine.clone());
            Some(Store::open(path, manifest)?)
        }
    };
    let mut sink = PassOn {
        views: spec.views.len(),
        wanted: places(&wanted.views, &spec),
        store,
        each: &mut counting,
    };
    let network = &mut frozen.backbone;
    let (ran, (mut notes, ignored)) = match images {
        Images::Scanned(scan) => {
            let all = All::of(&scan.entries);
            let ran = pipeline.run(all, network, &mut sink, progress);
            (ran, (scan.notes, scan.ignored))
        }
        Images::Named(names) => {
            let ran = pipeline.run(names, network, &mut sink, progress);
            (ran, Default::default())
        }
    };
    let speed = match (sink.store, ran) {
        (Some(store), Ok(speed)) => {
            notes.extend(store.finish()?);
            speed
        }
        (Some(store), Err(error)) => return Err(store.writer.keep(error)),
        (None, ran) => ran?,
    };
    notes.extend(frozen.notes());
    notes.extend(classifier.pixel_note(PIXEL_VERSION));
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
        speed,
        why_not_gpu: frozen.backbone.why().map(str::to_owned),
    })
}

#[derive(Default)]
struct Counts {
    used: usize,
    skipped: usize,
}

/// A store that features are taken from and added to.
struct Store {
    writer: StoreWriter,
    reader: FeatureReader,
    path: PathBuf,
    /// Computed images that a read-only store cannot keep.
    lost: usize,
}

impl Store {
    fn open(path: &Path, manifest: StoreManifest) -> Result<Self> {
        let writer = StoreWriter::open(path, manifest, Existing::Extend)?;
        Ok(Self {
            reader: writer.reader(),
            writer,
            path: path.to_owned(),
            lost: 0,
        })
    }

    /// Adds the features of an image, and makes them what they will be when they are read back.
    fn add(&mut self, digest: Digest, features: &mut [f32]) -> Result<()> {
        self.writer.dtype().round(features);
        if self.writer.can_write() {
            return self.writer.push(digest, features);
        }
        self.lost += 1;
        Ok(())
    }

    fn features(&mut self, digest: &Digest) -> Result<Vec<f32>> {
        self.writer.features(digest, &mut self.reader)
    }

    /// Writes what is missing and returns what the user should know. The index, the samples of the store's own last run,
    /// stays as it is.
    fn finish(self) -> Result<Vec<String>> {
        let mut notes = self.writer.notes().to_vec();
        if self.lost > 0 {
            notes.push(format!(
                "the feature store `{}` is read-only: the features of {} were computed and not kept",
                self.path.display(),
                counted(self.lost, "image")
            ));
        }
        self.writer.finish()?;
        Ok(notes)
    }
}

/// Passes each image's features on as they come.
struct PassOn<'a> {
    /// Views that are computed, at least 1.
    views: usize,
    /// Where those that are passed on stand among them.
    wanted: Vec<usize>,
    store: Option<Store>,
    each: &'a mut dyn FnMut(Featured<'_>) -> Result<()>,
}

impl PassOn<'_> {
    /// The wanted views (V, D) out of all of them.
    fn rows(&self, features: Vec<f32>) -> Array2<f32> {
        let shape = (self.views, features.len() / self.views);
        let rows = Array2::from_shape_vec(shape, features);
        let rows = rows.expect("each view has as many numbers");
        rows.select(Axis(0), &self.wanted)
    }
}

impl Sink for PassOn<'_> {
    fn known(&self) -> Option<Arc<HashSet<Digest>>> {
        self.store.as_ref().map(|store| store.writer.known())
    }

    fn keeps(&self) -> bool {
        let store = self.store.as_ref();
        store.is_some_and(|store| store.writer.can_write())
    }

    fn accepts(&self, features: &[f32]) -> Result<(), SkipReason> {
        let store = self.store.as_ref();
        let dtype = store.map_or(Dtype::F32, |store| store.writer.dtype());
        dtype.holds(features)
    }

    fn take(&mut self, item: Item) -> Result<()> {
        let (path, class) = described(&item.found);
        let rows;
        let features = match (item.outcome, &mut self.store) {
            (Outcome::Skipped(reason), _) => Err(reason.to_string()),
            (Outcome::Computed(picture, mut features), store) => {
                if let Some(store) = store {
                    store.add(picture.digest, &mut features)?;
                }
                Ok((picture.digest, features))
            }
            (Outcome::Reused(picture), Some(store)) => {
                Ok((picture.digest, store.features(&picture.digest)?))
            }
            (Outcome::Reused(_), None) => {
                unreachable!("a sink that knows no digest is given every image's features")
            }
        };
        let features = match features {
            Err(reason) => Err(reason),
            Ok((digest, features)) => {
                rows = self.rows(features);
                Ok((digest, rows.view()))
            }
        };
        (self.each)(Featured {
            path,
            class,
            features,
        })
    }
}

/// Where views stand among those that are computed.
fn places(wanted: &[View], computed: &FeatureSpec) -> Vec<usize> {
    let place = |view: &View| computed.views.iter().position(|other| other == view);
    wanted.iter().filter_map(place).collect()
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
