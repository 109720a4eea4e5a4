//! Images that can only be read in order: members of a compressed archive, and rows of a Parquet file.
//!
//! A series keeps its position, so that consecutive images are decompressed once. Threads that ask for them
//! in a slightly different order find those that were passed on the way in a small window. An image before
//! the window is read again from the nearest start.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use super::container::Container;
use super::fault::ReadFault;
use super::{Limits, SkipReason};

/// The window: at most so many bytes, unless it has few images, and so many images.
const MOST_BYTES: usize = 32 << 20;
const FEW: usize = 4;
const MOST: u64 = 1024;
/// The number of series that stay open.
const OPEN: usize = 3;

/// The bytes of an image, or why it has none.
pub(super) type Item = Result<Vec<u8>, SkipReason>;

/// Reads the images of a series in order.
pub(super) trait Items: Send {
    /// Returns the next image with its number; `None` at the end.
    fn next(&mut self, limits: &Limits) -> Result<Option<(u64, Item)>, ReadFault>;

    /// Returns the number of the first image that can be read again after an error.
    fn sound_from(&self) -> u64;
}

/// Opens a series so that the image of a number can be read, possibly after some others.
pub(super) trait Start: Send + Sync {
    /// Opens the series.
    fn start(&self, container: &Container, at: u64) -> Result<Box<dyn Items>, ReadFault>;
}

/// Images of a container that are read in order.
pub(super) struct Series {
    pub(super) container: Arc<Container>,
    start: Box<dyn Start>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    items: Option<Box<dyn Items>>,
    /// The number after that of the last image that was read.
    next: u64,
    waiting: BTreeMap<u64, Item>,
    waiting_bytes: usize,
    /// Images that cannot be read because something before them is damaged.
    broken: Vec<(Range<u64>, SkipReason)>,
}

impl Series {
    pub(super) fn new(container: Arc<Container>, start: Box<dyn Start>) -> Arc<Self> {
        Arc::new(Self {
            container,
            start,
            state: Mutex::default(),
        })
    }

    /// Returns the bytes of the image with this number.
    pub(super) fn take(self: &Arc<Self>, at: u64, limits: &Limits) -> Result<Vec<u8>, ReadFault> {
        let mut state = self.lock();
        if let Some(item) = state.remove(at) {
            return Ok(item?);
        }
        if let Some((_, reason)) = state.broken.iter().find(|(range, _)| range.contains(&at)) {
            return Err(reason.clone().into());
        }
        if state.items.is_none() || state.next > at {
            state.items = Some(self.start.start(&self.container, at)?);
            state.next = at;
            close_others(self);
        }
        state.read_to(at, limits)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        match self.state.try_lock() {
            Ok(mut state) => state.close(),
            Err(TryLockError::Poisoned(state)) => state.into_inner().close(),
            Err(TryLockError::WouldBlock) => {}
        }
    }
}

impl State {
    fn remove(&mut self, at: u64) -> Option<Item> {
        let item = self.waiting.remove(&at)?;
        self.waiting_bytes -= size(&item);
        Some(item)
    }

    fn read_to(&mut self, at: u64, limits: &Limits) -> Result<Vec<u8>, ReadFault> {
        let Some(items) = &mut self.items else {
            return Err(gone().into());
        };
        loop {
            let next = items.next(limits);
            match next {
                Ok(Some((number, item))) if number == at => {
                    self.next = number + 1;
                    return Ok(item?);
                }
                Ok(Some((number, item))) => {
                    self.next = number + 1;
                    self.waiting_bytes += size(&item);
                    let known = self.waiting.insert(number, item);
                    self.waiting_bytes -= known.as_ref().map_or(0, size);
                }
                Ok(None) => {
                    self.items = None;
                    return Err(gone().into());
                }
                Err(ReadFault::OfFile(reason)) => {
                    let from = self.next.min(at);
                    let range = from..items.sound_from().max(at + 1);
                    self.broken.push((range, reason.clone()));
                    self.items = None;
                    return Err(reason.into());
                }
                Err(fault) => {
                    self.items = None;
                    return Err(fault);
                }
            }
            // The oldest are least likely to be wanted.
            while let Some((&oldest, _)) = self.waiting.first_key_value()
                && (self.waiting_bytes > MOST_BYTES && self.waiting.len() > FEW
                    || oldest + MOST < self.next)
            {
                let item = self.waiting.remove(&oldest);
                self.waiting_bytes -= item.as_ref().map_or(0, size);
            }
        }
    }

    fn close(&mut self) {
        self.items = None;
        self.waiting = BTreeMap::new();
        self.waiting_bytes = 0;
    }
}

fn size(item: &Item) -> usize {
    item.as_ref().map_or(0, Vec::len)
}

fn gone() -> SkipReason {
    SkipReason::Unreadable("it is no longer in its file".to_owned())
}

/// Closes the series that were opened longest ago, since there may be as many as files.
fn close_others(opened: &Arc<Series>) {
    static LAST: Mutex<VecDeque<Weak<Series>>> = Mutex::new(VecDeque::new());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    last.retain(|other| {
        other
            .upgrade()
            .is_some_and(|other| !Arc::ptr_eq(&other, opened))
    });
    last.push_back(Arc::downgrade(opened));
    while last.len() > OPEN {
        let oldest = last.pop_front().and_then(|series| series.upgrade());
        oldest.inspect(|series| series.close());
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Series").field(&self.container).finish()
    }
}

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.container == other.container
    }
}

impl Eq for Series {}

impl Hash for Series {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.container.hash(state);
    }
}
