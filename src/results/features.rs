//! A feature store as JSON.

use serde::Serialize;

use super::Wording;
use super::parts::{Backbone, ClassCount, Engine, SkippedImage};
use crate::backbones;
use crate::error::Result;
use crate::features::{Dtype, FeatureStore};
use crate::images::path_text::to_text;
use crate::images::{Alpha, Exif, JpegScale, Preprocessing, View};

/// The result of `features show`.
#[derive(Debug, Serialize)]
pub struct ShownStore<'a> {
    store: String,
    format_version: u64,
    size_bytes: u64,
    n_vectors: usize,
    dtype: Dtype,
    n_images: usize,
    n_without_class: usize,
    n_skipped: usize,
    skipped: Vec<SkippedImage<'a>>,
    classes: Vec<ClassCount<'a>>,
    backbone: Backbone<'a>,
    preprocessing: &'a Preprocessing,
    decoding: Decoding,
    views: &'a [View],
    engine: Engine<'a>,
    engines: Vec<EnginePart<'a>>,
}

/// An engine, and how many images it computed.
#[derive(Debug, Serialize)]
struct EnginePart<'a> {
    n_vectors: usize,
    engine: Engine<'a>,
}

/// The decoding options that change pixels.
#[derive(Debug, Serialize)]
struct Decoding {
    exif: Exif,
    alpha: Alpha,
    jpeg_scale: JpegScale,
    pixel_version: u32,
}

impl<'a> ShownStore<'a> {
    /// Describes a store, with its [`engines`](FeatureStore::engines).
    ///
    /// # Errors
    /// A part or a folder that cannot be read.
    pub fn new(
        store: &'a FeatureStore,
        engines: &'a [(backbones::Engine, usize)],
        worded: Wording,
    ) -> Result<Self> {
        let (manifest, index) = (store.manifest(), store.index());
        let spec = &manifest.spec;
        let counts = index.class_counts();
        let classes = counts
            .iter()
            .filter_map(|(class, &n)| Some((class.as_ref().copied()?, n)));
        let skipped = index.skipped();
        let skipped = skipped.map(|(path, reason)| SkippedImage::new(path, reason, worded));
        let skipped: Vec<_> = skipped.collect();
        Ok(Self {
            store: to_text(store.path()),
            format_version: store.format_version(),
            size_bytes: store.bytes()?,
            n_vectors: store.count_vectors()?,
            dtype: manifest.dtype,
            n_images: index.n_used(),
            n_without_class: counts.get(&None).copied().unwrap_or_default(),
            n_skipped: skipped.len(),
            skipped,
            classes: classes.map(ClassCount::new).collect(),
            backbone: (&spec.backbone).into(),
            preprocessing: &spec.preprocessing,
            decoding: spec.decoding.into(),
            views: &spec.views,
            engine: (&manifest.engine).into(),
            engines: engines
                .iter()
                .map(|(engine, n_vectors)| EnginePart {
                    n_vectors: *n_vectors,
                    engine: engine.into(),
                })
                .collect(),
        })
    }
}

impl From<backbones::Decoding> for Decoding {
    fn from(decoding: backbones::Decoding) -> Self {
        Self {
            exif: decoding.exif,
            alpha: decoding.alpha,
            jpeg_scale: decoding.jpeg_scale,
            pixel_version: decoding.pixel_version,
        }
    }
}
