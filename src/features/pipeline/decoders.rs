//! Decoding threads: whichever is free takes the next file, and what becomes of the files is taken up in their order.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use super::prepare::{Prepared, Preparer};
use crate::images::Found;

/// A file to prepare, and where it goes then.
type Job = (Found, SyncSender<(Found, Prepared)>);

/// The scope passes its panic on.
pub(super) struct Panicked;

/// The decoding threads of a run; they end when this is dropped.
pub(super) struct Decoders {
    jobs: Sender<Job>,
    taking: Arc<Mutex<Receiver<Job>>>,
    /// What becomes of the files that were given out, the oldest first.
    prepared: VecDeque<Receiver<(Found, Prepared)>>,
    /// The most files that may be with them.
    most: usize,
}

impl Decoders {
    /// None yet; so many prepared pictures wait at most, besides those that are being prepared.
    pub(super) fn new(waiting: usize) -> Self {
        let (jobs, taking) = channel();
        Self {
            jobs,
            taking: Arc::new(Mutex::new(taking)),
            prepared: VecDeque::new(),
            most: waiting,
        }
    }

    /// Starts one more.
    pub(super) fn open<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        preparer: &'scope Preparer<'scope>,
    ) {
        let jobs = Arc::clone(&self.taking);
        scope.spawn(move || serve(&jobs, preparer));
        self.most += 1;
    }

    pub(super) fn busy(&self) -> bool {
        !self.prepared.is_empty()
    }

    pub(super) fn have_room(&self) -> bool {
        self.prepared.len() < self.most
    }

    pub(super) fn give(&mut self, found: Found) {
        let (reply, prepared) = sync_channel(1);
        self.jobs
            .send((found, reply))
            .expect("the receiver is kept beside the sender");
        self.prepared.push_back(prepared);
    }

    /// Waits for the oldest file that is still being prepared and returns it; None if there is no such file.
    pub(super) fn take(&mut self) -> Option<Result<(Found, Prepared), Panicked>> {
        let oldest = self.prepared.pop_front()?;
        Some(oldest.recv().map_err(|_| Panicked))
    }
}

/// Prepares files until no more can come.
fn serve(jobs: &Mutex<Receiver<Job>>, preparer: &Preparer<'_>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((found, reply)) = next else {
            return;
        };
        let prepared = preparer.prepare(&found);
        // Nobody waits for it, nor for any other, where the run has stopped with an error.
        if reply.send((found, prepared)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::PathBuf;
    use std::thread;

    use super::*;
    use crate::features::pipeline::cpus::Cpus;
    use crate::features::pipeline::prepare::Preprocessors;
    use crate::features::pipeline::trial::Trial;
    use crate::features::recognition::Recognised;
    use crate::images::{DecodeBudget, DecodeOptions, Preprocessing, Preprocessor, View, listed};

    /// Which of six files four threads had read before a CPU was free, where files of so many bytes may wait.
    fn read_ahead(bytes: u64, waiting: usize) -> Vec<bool> {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..6)
            .map(|i| folder.path().join(format!("{i}.ppm")))
            .collect();
        for (i, path) in paths.iter().enumerate() {
            fs::write(path, [b"P6 1 1 255\n".as_slice(), &[i as u8; 3]].concat()).unwrap();
        }
        let cpus = Cpus::new(1);
        let preprocessor = Preprocessor::new(&Preprocessing::default()).unwrap();
        let preparer = Preparer {
            decoding: &DecodeOptions::default(),
            known: None::<&HashSet<_>>,
            recognised: &Recognised::default(),
            budget: DecodeBudget::default(),
            ahead: DecodeBudget::new(bytes),
            cpus: &cpus,
            preprocessors: Preprocessors::new(preprocessor),
            views: &[View::Center],
            trial: Trial::default(),
        };
        thread::scope(|scope| {
            let busy = cpus.decode();
            let mut decoders = Decoders::new(6);
            (0..4).for_each(|_| decoders.open(scope, &preparer));
            paths
                .iter()
                .for_each(|path| decoders.give(listed(path.clone())));
            cpus.wait_for_decoders(waiting);
            // What has been read is not missed.
            paths.iter().for_each(|path| fs::remove_file(path).unwrap());
            drop(busy);
            let mut read = Vec::new();
            while let Some(Ok((found, prepared))) = decoders.take() {
                assert_eq!(found.sample().path, paths[read.len()], "in their order");
                read.push(matches!(prepared, Prepared::Pixels(..)));
            }
            read
        })
    }

    #[test]
    fn as_many_files_as_threads_are_read_ahead() {
        assert_eq!(read_ahead(1000, 4), [true, true, true, true, false, false]);
    }

    /// Each has 14 bytes.
    #[test]
    fn no_more_bytes_wait_for_a_cpu_than_may() {
        let read = |bytes, waiting| {
            read_ahead(bytes, waiting)
                .iter()
                .filter(|&&read| read)
                .count()
        };
        assert_eq!(read(28, 2), 2);
        assert_eq!(read(41, 2), 2);
        assert_eq!(read(13, 1), 1, "a longer one waits alone");
    }
}
