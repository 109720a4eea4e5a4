//! Computes the features of all images in the background, into the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::labeller::{LabelEvent, Labeller, Phase};
use super::refusal::with_causes;
use super::vectors::Vectors;
use crate::error::{Error, Result};
use crate::features::FeatureStore;
use crate::images::Scan;
use crate::progress::Progress;
use crate::tasks::{ExtractReport, extract_scan};

/// How often the page is told about progress.
const OFTEN: Duration = Duration::from_millis(300);

impl Labeller {
    /// Computes the features of a scan's images, and makes them available.
    pub(super) fn extract(&self, scan: Scan) {
        let images = scan.entries.len();
        self.host.event(&LabelEvent::Extracting { images });
        match self.try_to_extract(scan) {
            Ok(()) => {}
            Err(Error::Interrupted { .. }) if self.is_stopping() => {}
            Err(error) => self.failed(&error),
        }
    }

    fn try_to_extract(&self, scan: Scan) -> Result<()> {
        let progress = Shown::of(self);
        let report = extract_scan(&self.options.extract, scan, &progress)?;
        let store = FeatureStore::open(&self.options.extract.output)?;
        let names: HashMap<&str, usize> = self.entries.names().zip(0..).collect();
        let number = |name: &str| names.get(name).copied();
        let vectors = Vectors::read(&store, self.n_images(), number)?;
        let skipped = store.index().skipped();
        let skipped =
            skipped.filter_map(|(name, why)| Some((number(name)? as u32, why.to_owned())));
        let skipped: HashMap<u32, String> = skipped.collect();
        self.host.event(&LabelEvent::Ready {
            images: vectors.len(),
            skipped: skipped.len(),
        });
        for note in notes(&report) {
            self.note(&note);
        }
        let vectors = Arc::new(vectors);
        {
            let mut inner = self.lock();
            inner.skipped = skipped;
            inner.alike = Arc::new((0..vectors.len() as u32).collect());
            inner.vectors = Some(Arc::clone(&vectors));
            inner.phase = Phase::Ready;
            inner.progress = (inner.progress.1, inner.progress.1);
            self.rank_again(&mut inner);
        }
        self.group_once(&vectors);
        Ok(())
    }

    fn failed(&self, error: &Error) {
        let said = with_causes(error);
        self.host.event(&LabelEvent::Failed(said.clone()));
        let mut inner = self.lock();
        inner.phase = Phase::Failed;
        inner.message = Some(said);
        self.tell(&mut inner);
    }
}

fn notes(report: &ExtractReport) -> Vec<String> {
    let file = report.installed_from.as_ref();
    let installed = file.map(|file| format!("installed the backbone from {}", file.display()));
    installed.into_iter().chain(report.notes.clone()).collect()
}

/// Shows the progress of the extraction on the page.
struct Shown<'l> {
    labeller: &'l Labeller,
    /// Whether the stage counts images.
    counts: AtomicBool,
    done: AtomicU64,
    start: Instant,
    /// When the page was told, in milliseconds since the start.
    told: AtomicU64,
}

impl<'l> Shown<'l> {
    fn of(labeller: &'l Labeller) -> Self {
        Self {
            labeller,
            counts: AtomicBool::new(false),
            done: AtomicU64::new(0),
            start: Instant::now(),
            told: AtomicU64::new(0),
        }
    }
}

impl Progress for Shown<'_> {
    fn begin(&self, what: &str, total: u64) {
        self.counts.store(what == "images", Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        if what == "images" {
            let mut inner = self.labeller.lock();
            inner.progress = (0, total);
            self.labeller.tell(&mut inner);
        }
    }

    fn advance(&self, steps: u64) {
        if !self.counts.load(Ordering::Relaxed) {
            return;
        }
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        let (now, told) = (self.start.elapsed().as_millis() as u64, &self.told);
        let last = told.load(Ordering::Relaxed);
        if now - last < OFTEN.as_millis() as u64 {
            return;
        }
        told.store(now, Ordering::Relaxed);
        let mut inner = self.labeller.lock();
        inner.progress.0 = done;
        self.labeller.tell(&mut inner);
    }

    fn end(&self) {}

    fn is_stopped(&self) -> bool {
        self.labeller.is_stopping()
    }
}
