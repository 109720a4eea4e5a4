//! The owner of everything in a session: what the requests and the background threads share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::analyses::Analyses;
use super::finished::Finished;
use super::journal::Journal;
use super::labelling::{Labelling, Start, journal_of};
use super::model::{Model, Predictions};
use super::options::LabellerOptions;
use super::rank::Ranking;
use super::thumbs::Thumbs;
use super::trial::Trial;
use super::vectors::Vectors;
use crate::error::Result;
use crate::head::start_processors;
use crate::images::{Entries, Found, Labels, Scan, SkipReason};
use crate::progress::Progress;

/// How long a request waits for the groups to follow the labels.
const PATIENCE: Duration = Duration::from_secs(3);

/// Is told what happens, and says when to stop. Several threads call it.
pub trait LabelHost: Send + Sync {
    /// Receives an event.
    fn event(&self, event: &LabelEvent);
    /// Returns whether to stop. It is called several times a second.
    fn is_stopped(&self) -> bool;
    /// Returns a note in the words of those who read it.
    fn worded(&self, note: &str) -> String {
        note.to_owned()
    }
    /// Returns the commands that write the same files.
    fn commands(&self, finished: &Finished) -> Vec<String>;
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelEvent {
    /// The page can be opened.
    Listening {
        /// Its address, with the token.
        page: String,
    },
    /// Something the user should know.
    Note(String),
    /// The features are being computed.
    Extracting {
        /// The number of images.
        images: usize,
    },
    /// All features are known.
    Ready {
        /// The number of images with features.
        images: usize,
        /// The number of images that cannot be used.
        skipped: usize,
    },
    /// Features cannot be computed.
    Failed(String),
    /// The service ends.
    Stopping,
}

/// How far the features are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Extracting,
    Ready,
    Failed,
}

/// A labelling session.
pub struct Labeller {
    pub(super) options: LabellerOptions,
    pub(super) entries: Entries,
    pub(super) thumbs: Thumbs,
    pub(super) trial: Trial,
    pub(super) host: Arc<dyn LabelHost>,
    inner: Mutex<Inner>,
    /// Wakes the thread that trains heads.
    pub(super) wake: Condvar,
    /// Wakes the thread that analyses the labels.
    pub(super) wanted: Condvar,
    /// Wakes requests that wait for the groups.
    pub(super) ranked: Condvar,
    /// The revision, for those who listen.
    changed: watch::Sender<u64>,
    /// Held while a head and a report are written.
    pub(super) finishing: Mutex<()>,
    stopping: AtomicBool,
}

/// What changes during a session.
pub(super) struct Inner {
    pub(super) labelling: Labelling,
    /// Grows with every change that a page shows.
    pub(super) revision: u64,
    /// Grows with every change of the labels.
    pub(super) edition: u64,
    pub(super) phase: Phase,
    pub(super) message: Option<String>,
    /// Images that are done, and all of them.
    pub(super) progress: (u64, u64),
    /// Why images are skipped.
    pub(super) skipped: HashMap<u32, String>,
    pub(super) notes: Vec<String>,
    pub(super) vectors: Option<Arc<Vectors>>,
    /// The group of near-duplicates of each row.
    pub(super) alike: Arc<Vec<u32>>,
    /// Rows that look alike, the most typical ones first.
    pub(super) clusters: Option<Arc<Vec<Vec<usize>>>>,
    pub(super) model: Option<Arc<Model>>,
    pub(super) predictions: Arc<Predictions>,
    pub(super) ranking: Arc<Ranking>,
    pub(super) analyses: Analyses,
    /// The edition of the labels that the ranking follows.
    pub(super) ranked: u64,
}

impl Labeller {
    /// Finds the images, and reads the labels and their journal.
    ///
    /// # Errors
    /// No images; outputs that cannot be written; labels that cannot be read or that another process uses.
    pub fn open(
        options: LabellerOptions,
        host: Arc<dyn LabelHost>,
        progress: &dyn Progress,
    ) -> Result<(Arc<Self>, Scan)> {
        options.check()?;
        start_processors()?;
        let (journal, found) = Journal::open(&journal_of(&options.labels), &options.labels)?;
        let mut scan = options.extract.inputs.scan(Labels::FromFolders, progress)?;
        scan.entries.change(|found| Some(beside_classes(found)));
        let mut notes = std::mem::take(&mut scan.notes);
        let start = Start {
            classes: options.classes.clone(),
            folders: folders(&options, &scan, &mut notes),
        };
        let names = scan.entries.names();
        let (labelling, said) = Labelling::open(&options.labels, (journal, found), names, start)?;
        notes.extend(said);
        for said in &mut notes {
            *said = host.worded(said);
            host.event(&LabelEvent::Note(said.clone()));
        }
        let skipped = skipped(&scan.entries);
        let n_images = scan.entries.len();
        let inner = Inner {
            labelling,
            revision: 1,
            edition: 1,
            phase: Phase::Extracting,
            message: None,
            progress: (0, n_images as u64),
            skipped,
            notes,
            vectors: None,
            alike: Arc::default(),
            clusters: None,
            model: None,
            predictions: Arc::default(),
            ranking: Arc::new(Ranking::of_all(n_images)),
            analyses: Analyses::default(),
            ranked: 1,
        };
        let labeller = Self {
            trial: Trial::default(),
            thumbs: Thumbs::new(options.extract.decoding),
            options,
            entries: scan.entries.clone(),
            host,
            inner: Mutex::new(inner),
            wake: Condvar::new(),
            wanted: Condvar::new(),
            ranked: Condvar::new(),
            changed: watch::Sender::new(1),
            finishing: Mutex::default(),
            stopping: AtomicBool::new(false),
        };
        Ok((Arc::new(labeller), scan))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the groups follow the labels, or for a while if that takes long.
    pub(super) fn lock_ranked(&self) -> MutexGuard<'_, Inner> {
        let since = Instant::now();
        let mut inner = self.lock();
        while inner.ranked < inner.edition && inner.vectors.is_some() && !self.is_stopping() {
            let Some(rest) = PATIENCE.checked_sub(since.elapsed()) else {
                break;
            };
            let waited = self.ranked.wait_timeout(inner, rest);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        inner
    }

    /// Tells those who listen that something has changed.
    pub(super) fn tell(&self, inner: &mut Inner) {
        inner.revision += 1;
        self.changed.send_replace(inner.revision);
    }

    /// Has the groups follow what has changed.
    pub(super) fn rank_again(&self, inner: &mut Inner) {
        inner.edition += 1;
        if inner.vectors.is_none() {
            inner.ranked = inner.edition;
        }
        self.tell(inner);
        self.wake.notify_all();
    }

    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Adds a note for the user, unless it is there.
    pub(super) fn note(&self, said: &str) {
        let said = self.host.worded(said);
        let mut inner = self.lock();
        if inner.notes.contains(&said) {
            return;
        }
        inner.notes.push(said.clone());
        self.tell(&mut inner);
        drop(inner);
        self.host.event(&LabelEvent::Note(said));
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Ends the background threads.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Under the lock, so that no thread is about to wait.
        let mut inner = self.lock();
        self.tell(&mut inner);
        self.wake.notify_all();
        self.wanted.notify_all();
        self.ranked.notify_all();
    }

    /// Records where the page is, for other processes on the same label file.
    pub(super) fn listening(&self, address: SocketAddr) -> Result<()> {
        let address = format!("http://{address}");
        self.lock().labelling.opened(Some(address))
    }

    /// Returns the name of an image, as in the store's index.
    pub(super) fn name(&self, image: u32) -> String {
        let found = self.entries.get(image as usize);
        found.map_or_else(String::new, |found| found.sample().name.clone())
    }

    pub(super) fn n_images(&self) -> usize {
        self.entries.len()
    }
}

/// Returns the images with the classes of their folders, if these are wanted.
fn folders(
    options: &LabellerOptions,
    scan: &Scan,
    notes: &mut Vec<String>,
) -> Vec<(String, String)> {
    let found = scan.entries.names().zip(scan.entries.classes());
    let mut found = found.filter_map(|(name, class)| Some((name.to_owned(), class?.to_string())));
    if options.from_folders {
        return found.collect();
    }
    if found.next().is_some() && !options.labels.exists() {
        notes.push(
            "the images are in folders, whose names are not used as labels; set `from_folders` to begin \
             with them"
                .to_owned(),
        );
    }
    Vec::new()
}

/// An image needs no class folder here.
fn beside_classes(found: Found) -> Found {
    match found {
        Found::Skipped {
            sample,
            reason: SkipReason::NotInAClass,
        } => Found::Sample(sample),
        found => found,
    }
}

/// Returns the images that the scan found to be unusable.
fn skipped(entries: &Entries) -> HashMap<u32, String> {
    let skipped = (0..entries.len()).filter(|&image| entries.is_skipped(image));
    let reason = |image: usize| {
        let found = entries.get(image)?;
        Some((image as u32, found.reason()?.to_string()))
    };
    skipped.filter_map(reason).collect()
}
