//! Threads that read files and threads that decode them. Any free thread takes the next file; the results are
//! returned in input order.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use super::prepare::{Prepared, Preparer, ReadFile};
use super::speed::Timings;
use crate::error::{Result, ThreadsFor};
use crate::features::content::Picture;
use crate::features::recognition::REMOTE;
use crate::images::{Found, Preprocessor};
use crate::threads::start;

/// The channel that receives a prepared file.
type Reply = SyncSender<(Found, Prepared)>;
/// A file to read.
type Job = (Found, Reply);
/// A file to decode.
type Read<'a> = (Found, ReadFile<'a>, Reply);

/// A thread has panicked. The thread scope propagates the panic.
pub(super) struct Panicked;

/// The threads that read and decode the files of a run. They exit when this is dropped.
pub(super) struct Decoders<'scope> {
    jobs: Sender<Job>,
    /// Starts one more thread that reads files.
    add_reader: Box<dyn Fn() -> Result<()> + 'scope>,
    /// The number of threads that read files.
    readers: usize,
    /// The results of the files handed out, oldest first.
    prepared: VecDeque<Receiver<(Found, Prepared)>>,
    /// The largest number of files handed out at a time.
    most: usize,
}

impl<'scope> Decoders<'scope> {
    /// Starts the reading and the decoding `threads`, in this order, but no more of each than there are
    /// `files`. At most `waiting` prepared images wait, in addition to one file per thread. Each image of a
    /// store gets one more reading thread until there are [`REMOTE`].
    ///
    /// # Errors
    /// [`Error::NoThread`](crate::Error::NoThread); the threads that have been started then exit.
    pub(super) fn start(
        scope: &'scope Scope<'scope, '_>,
        preparer: &'scope Preparer<'scope>,
        preprocessor: &Preprocessor,
        threads: [usize; 2],
        (waiting, files): (usize, Option<usize>),
    ) -> Result<Self> {
        let [reading, decoding] = threads.map(|n| n.min(files.unwrap_or(n)).max(1));
        let (jobs, taking) = channel();
        let taking = Arc::new(Mutex::new(taking));
        // Without capacity: a reader holds its file until a decoder takes it, and meanwhile reads no other.
        let (read, to_decode) = sync_channel(0);
        let to_decode = Arc::new(Mutex::new(to_decode));
        let add_reader = move || {
            let (jobs, read) = (Arc::clone(&taking), read.clone());
            let work = move || read_files(&jobs, preparer, &read);
            start(scope, ThreadsFor::Images, work).map(drop)
        };
        (0..reading).try_for_each(|_| add_reader())?;
        for _ in 0..decoding {
            let (files, own) = (Arc::clone(&to_decode), preprocessor.clone());
            start(scope, ThreadsFor::Images, move || {
                decode_files(&files, preparer, own);
            })?;
        }
        Ok(Self {
            jobs,
            add_reader: Box::new(add_reader),
            readers: reading,
            prepared: VecDeque::new(),
            most: reading + decoding + waiting,
        })
    }

    pub(super) fn busy(&self) -> bool {
        !self.prepared.is_empty()
    }

    pub(super) fn have_room(&self) -> bool {
        self.prepared.len() < self.most
    }

    /// Hands out a file, unless its content is known.
    pub(super) fn give(&mut self, found: Found, known: Option<Picture>) {
        let (reply, prepared) = sync_channel(1);
        // If all threads have panicked, `take` notices the missing result.
        let _ = if let Some(picture) = known {
            let known = Prepared::Known(picture, Timings::default());
            reply.send((found, known)).map_err(drop)
        } else {
            if found.sample().place.is_remote() {
                self.read_more();
            }
            self.jobs.send((found, reply)).map_err(drop)
        };
        self.prepared.push_back(prepared);
    }

    /// Reads one file more at a time, unless there are enough or the system gives no more threads.
    fn read_more(&mut self) {
        if self.readers < REMOTE && (self.add_reader)().is_ok() {
            self.readers += 1;
            self.most += 1;
        }
    }

    /// Waits for the oldest file that is being prepared, and returns it. Returns `None` if there is none.
    pub(super) fn take(&mut self) -> Option<Result<(Found, Prepared), Panicked>> {
        let oldest = self.prepared.pop_front()?;
        Some(oldest.recv().map_err(|_| Panicked))
    }
}

fn next<T>(queue: &Mutex<Receiver<T>>) -> Option<T> {
    let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.recv().ok()
}

/// Reads files until the queue is closed, or until the results are no longer wanted because the run failed.
fn read_files<'a>(
    jobs: &Mutex<Receiver<Job>>,
    preparer: &'a Preparer<'_>,
    read: &SyncSender<Read<'a>>,
) {
    while let Some((found, reply)) = next(jobs) {
        let wanted = match preparer.read(&found) {
            Ok(file) => read.send((found, file, reply)).is_ok(),
            Err(done) => reply.send((found, *done)).is_ok(),
        };
        if !wanted {
            return;
        }
    }
}

/// Decodes files until the queue is closed or the run failed.
fn decode_files(
    files: &Mutex<Receiver<Read<'_>>>,
    preparer: &Preparer<'_>,
    mut preprocessor: Preprocessor,
) {
    while let Some((found, file, reply)) = next(files) {
        let done = preparer.prepare(file, &mut preprocessor);
        if reply.send((found, done)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::thread;

    use super::*;
    use crate::features::pipeline::item::Known;
    use crate::features::pipeline::meter::Meter;
    use crate::features::pipeline::trial::Trial;
    use crate::images::{DecodeBudget, DecodeOptions, Permit, View, listed};

    /// Runs three threads that read six files of 14 bytes while `held` bytes of the memory for files are in
    /// use. Passes the permit for these bytes and the queue of read files to `work`, and returns how many
    /// files arrive after it.
    fn reading(
        (budget, ahead): (DecodeBudget, DecodeBudget),
        held: u64,
        work: impl FnOnce(Permit<'_>, &Meter, &Receiver<Read<'_>>, &Path),
    ) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let preparer = Preparer {
            decoding: &DecodeOptions::default(),
            known: &Known::default(),
            budget,
            ahead,
            views: &[View::Center],
            meter: &Meter::new(1),
            trial: Trial::default(),
        };
        let (jobs, taking) = channel();
        let taking = Mutex::new(taking);
        let (read, to_decode) = sync_channel(0);
        let mut replies = Vec::new();
        for i in 0..6 {
            let path = folder.path().join(format!("{i}.ppm"));
            fs::write(&path, [b"P6 1 1 255\n".as_slice(), &[i; 3]].concat()).unwrap();
            let (reply, done) = sync_channel(1);
            jobs.send((listed(path), reply)).unwrap();
            replies.push(done);
        }
        drop(jobs);
        let held = preparer.budget.reserve_file(held);
        thread::scope(|scope| {
            for _ in 0..3 {
                let (taking, read, preparer) = (&taking, read.clone(), &preparer);
                scope.spawn(move || read_files(taking, preparer, &read));
            }
            drop(read);
            work(held, preparer.meter, &to_decode, folder.path());
            to_decode.iter().count()
        })
    }

    #[test]
    fn all_readers_read_at_once() {
        let budgets = (DecodeBudget::new(100), DecodeBudget::default());
        let after = reading(budgets, 100, |all, meter, _, _| {
            meter.wait_for_readers(3);
            drop(all);
        });
        assert_eq!(after, 6);
    }

    #[test]
    fn no_more_bytes_wait_than_may() {
        for (bytes, files) in [(28, 2), (41, 2), (13, 1)] {
            let budgets = (DecodeBudget::default(), DecodeBudget::new(bytes));
            let after = reading(budgets, 0, |_, _, to_decode, folder| {
                let waiting: Vec<_> = to_decode.iter().take(files).collect();
                // No other file is read before these are dropped.
                fs::remove_dir_all(folder).unwrap();
                drop(waiting);
            });
            assert_eq!(after, 0, "of {bytes} bytes");
        }
    }
}
