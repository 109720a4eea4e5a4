//! An extraction as JSON.

use std::path::Path;

use serde::Serialize;

use super::Wording;
use super::parts::{Backbone, ClassCount, Engine, SkippedImage};
use crate::features::{Bound, Reduced, Speed, Timings};
use crate::images::View;
use crate::images::path_text::to_text;
use crate::tasks::{ExtractOptions, ExtractReport, LaidLabels};

/// The result of `extract`.
#[derive(Debug, Default, Serialize)]
pub struct Extraction<'a> {
    store: String,
    shard: Option<String>,
    n_images: usize,
    n_computed: usize,
    n_reused: usize,
    n_skipped: usize,
    skipped: Vec<SkippedImage<'a>>,
    classes: Vec<ClassCount<'a>>,
    empty_classes: &'a [String],
    ignored_files: Vec<IgnoredFiles<'a>>,
    backbone: Option<Backbone<'a>>,
    views: &'a [View],
    engine: Option<Engine<'a>>,
    why_not_gpu: Option<&'a str>,
    threads: usize,
    seconds: f64,
    images_per_second: Option<f64>,
    stage_seconds: Stages,
    limited_by: Option<Stage>,
    reduced_jpegs_save_seconds: Option<f64>,
    label_file: Option<&'a LaidLabels>,
    notes: Vec<String>,
}

/// Files that are not images, by extension.
#[derive(Debug, Serialize)]
struct IgnoredFiles<'a> {
    extension: Option<&'a str>,
    n_files: usize,
}

/// How long the stages took, in seconds, summed over all threads.
#[derive(Debug, Default, Serialize)]
struct Stages {
    read: f64,
    decode: f64,
    preprocess: f64,
    forward: f64,
    write: f64,
}

/// The stage that limited the speed.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    Reading,
    Decoding,
    Network,
}

impl<'a> Extraction<'a> {
    /// The result of a run that was given no images; it writes no store.
    #[must_use]
    pub fn of_nothing(store: &Path) -> Self {
        Self {
            store: to_text(store),
            ..Self::default()
        }
    }

    /// The result of a run; `scan_notes` are those of the scan before it.
    #[must_use]
    pub fn new(
        report: &'a ExtractReport,
        options: &ExtractOptions,
        scan_notes: &[String],
        worded: Wording,
    ) -> Self {
        let seconds = report.elapsed.as_secs_f64();
        let rate = report.computed as f64 / seconds;
        let skipped = report.skipped.iter();
        let (classes, ignored) = (report.classes.iter(), report.ignored.iter());
        let notes = scan_notes.iter().chain(&report.notes);
        Self {
            store: to_text(&options.output),
            shard: options.shard.map(|shard| shard.to_string()),
            n_images: report.used(),
            n_computed: report.computed,
            n_reused: report.reused,
            n_skipped: report.skipped.len(),
            skipped: skipped
                .map(|image| SkippedImage::new(&image.path, &image.reason, worded))
                .collect(),
            classes: classes
                .map(|(name, &n_images)| ClassCount::new((name, n_images)))
                .collect(),
            empty_classes: &report.empty_classes,
            ignored_files: ignored
                .map(|(extension, &n_files)| IgnoredFiles {
                    extension: (!extension.is_empty()).then_some(extension),
                    n_files,
                })
                .collect(),
            backbone: Some((&report.spec.backbone).into()),
            views: &report.spec.views,
            engine: report.engine.as_ref().map(Engine::from),
            why_not_gpu: report.why_not_gpu.as_deref(),
            threads: options.run.threads,
            seconds,
            images_per_second: (report.computed > 0).then_some(rate),
            stage_seconds: (&report.speed.timings).into(),
            limited_by: report.speed.bound.map(Stage::from),
            reduced_jpegs_save_seconds: saved(&report.speed),
            label_file: report.laid_labels.as_ref(),
            notes: notes.map(|note| worded(note)).collect(),
        }
    }
}

/// Returns how much time decoding at a reduced scale would have saved, if the run was limited by decoding and
/// has tried it.
fn saved(speed: &Speed) -> Option<f64> {
    match speed.bound {
        Some(Bound::Decoding(Reduced::Saves(time))) => Some(time.as_secs_f64()),
        Some(Bound::Decoding(Reduced::Nothing)) => Some(0.0),
        Some(Bound::Decoding(Reduced::Untried) | Bound::Reading | Bound::Network) | None => None,
    }
}

impl From<&Timings> for Stages {
    fn from(timings: &Timings) -> Self {
        Self {
            read: timings.read.as_secs_f64(),
            decode: timings.decode.as_secs_f64(),
            preprocess: timings.preprocess.as_secs_f64(),
            forward: timings.forward.as_secs_f64(),
            write: timings.write.as_secs_f64(),
        }
    }
}

impl From<Bound> for Stage {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Reading => Self::Reading,
            Bound::Decoding(_) => Self::Decoding,
            Bound::Network => Self::Network,
        }
    }
}
