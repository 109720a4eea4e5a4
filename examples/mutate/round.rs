//! A round: runs mutants of one target for some time under a watchdog.

use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::kept::Kept;
use crate::memory::{self, Memory};
use crate::mutator::Mutator;
use crate::seeds::{self, Seed};
use crate::targets::Target;
use crate::watch::Watch;

/// Longer seeds run, but are not mutated, because their mutants would be slow.
const LONGEST_MUTATED: usize = 48 << 10;

/// The message of the last panic, printed only if the panic reaches this program. Panics in libraries that
/// frostline catches are not failures.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A target, its seeds, and the file with the current mutant.
pub(crate) struct Round {
    target: &'static Target,
    seed: u64,
    seeds: Vec<Seed>,
    kept: Kept,
    watch: Arc<Watch>,
    mutants: u64,
    accepted: u64,
    slowest: Duration,
}

/// The result of a round.
pub(crate) struct Summary {
    target: &'static str,
    seed: u64,
    mutants: u64,
    accepted: u64,
    seconds: f64,
    slowest: Duration,
    memory: Option<Memory>,
    caught: usize,
    /// The failure, if there was one.
    pub(crate) failure: Option<String>,
}

impl Round {
    pub(crate) fn new(target: &'static Target, seed: u64) -> io::Result<Self> {
        Ok(Self {
            target,
            seed,
            seeds: seeds::of(target.name),
            kept: Kept::new(target.name, seed)?,
            watch: Arc::default(),
            mutants: 0,
            accepted: 0,
            slowest: Duration::ZERO,
        })
    }

    /// Runs every seed, then mutants of the seeds until the time is up.
    pub(crate) fn run(mut self, time: Duration) -> io::Result<Summary> {
        panic::set_hook(Box::new(|panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
        }));
        self.watch.start(self.kept.path().display().to_string());
        let started = Instant::now();
        let (ended, memory) = self.run_all(time)?;
        let _ = panic::take_hook();
        let grown = memory.as_ref().and_then(Memory::failure);
        let uncaught = usize::from(ended.is_err());
        let summary = Summary {
            target: self.target.name,
            seed: self.seed,
            mutants: self.mutants,
            accepted: self.accepted,
            seconds: started.elapsed().as_secs_f64(),
            slowest: self.slowest,
            caught: PANICS.load(Ordering::Relaxed) - uncaught,
            memory,
            failure: ended.err().or(grown),
        };
        if summary.failure.is_none() {
            self.kept.remove()?;
        }
        Ok(summary)
    }

    fn run_all(&mut self, time: Duration) -> io::Result<(Result<(), String>, Option<Memory>)> {
        let seeds = std::mem::take(&mut self.seeds);
        for seed in &seeds {
            if let Err(failure) = self.run_one(&seed.bytes)? {
                return Ok((Err(format!("{failure}\n  seed: {}", seed.what)), None));
            }
        }
        let mutated = seeds.iter().map(|seed| &seed.bytes[..]);
        let mutated = mutated.filter(|seed| seed.len() <= LONGEST_MUTATED);
        let mut mutator = Mutator::new(mutated.collect(), self.seed);
        let mut mutant = Vec::new();
        let mut warm = None;
        let started = Instant::now();
        while started.elapsed() < time {
            mutator.next(&mut mutant);
            if mutator.coin() {
                self.target.reseal(&mut mutant);
            }
            if let Err(failure) = self.run_one(&mutant)? {
                return Ok((Err(failure), None));
            }
            if warm.is_none() && started.elapsed() >= time / 10 {
                warm = memory::resident();
            }
        }
        Ok((Ok(()), warm.and_then(Memory::after)))
    }

    /// Runs one file; the inner error says how it failed.
    fn run_one(&mut self, bytes: &[u8]) -> io::Result<Result<(), String>> {
        self.kept.put(bytes)?;
        let started = Instant::now();
        self.watch.begin();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.target.run(bytes)));
        self.watch.end();
        self.slowest = self.slowest.max(started.elapsed());
        self.mutants += 1;
        if let Ok(outcome) = outcome {
            self.accepted += u64::from(outcome.is_ok());
            return Ok(Ok(()));
        }
        let last = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Err(format!(
            "{last}\n  saved in {}",
            self.kept.path().display()
        )))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: seed {}, {} mutants, {} accepted, {:.0} per second, slowest {} ms",
            self.target,
            self.seed,
            self.mutants,
            self.accepted,
            self.mutants as f64 / self.seconds,
            self.slowest.as_millis(),
        )?;
        if let Some(Memory { peak, grown }) = self.memory {
            write!(
                f,
                ", peak memory {} MiB, growth {} MiB",
                peak >> 20,
                grown >> 20
            )?;
        }
        if self.caught > 0 {
            let panics = if self.caught == 1 { "panic" } else { "panics" };
            write!(f, ", {} {panics} caught by frostline", self.caught)?;
        }
        match &self.failure {
            Some(failure) => write!(f, "\nFAILED: {failure}"),
            None => Ok(()),
        }
    }
}
