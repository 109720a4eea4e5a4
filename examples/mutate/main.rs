//! Fuzzing with stable Rust: runs mutants of small files through the code that reads them.
//!
//! ```text
//! mutate list                    lists the targets with the number of their seeds
//! mutate TARGET SECONDS SEED     runs the seeds, then mutants of them; the same SEED gives the same mutants
//! mutate TARGET FILE             runs one file, such as a mutant that failed
//! mutate seeds TARGET FOLDER     writes the seeds as files, for cargo-fuzz
//! ```
//!
//! A panic, an abort, a mutant that takes more than 10 seconds of CPU time, and growing memory are failures.
//! The exit code is then not 0, and the mutant is in `target/mutants/TARGET-SEED`. `scripts/fuzz.sh` runs all
//! targets with a memory limit.

mod kept;

mod memory;
mod mutator;
mod round;
mod seeds;
mod targets;
mod watch;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use frostline::allocator::Allocator;

use self::round::Round;
use self::seeds::Wanted;
use self::targets::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: cargo run --release --example mutate -- (list | TARGET SECONDS SEED | TARGET \
    FILE | seeds TARGET FOLDER)";

fn main() -> Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["list"] => {
            list();
            Ok(ExitCode::SUCCESS)
        }
        ["seeds", target, folder] => {
            write_seeds(named(target)?, Path::new(folder))?;
            Ok(ExitCode::SUCCESS)
        }
        [target, file] => {
            let outcome = named(target)?.run(&fs::read(file)?);
            match outcome {
                Ok(()) => println!("accepted"),
                Err(reason) => println!("refused: {reason}"),
            }
            Ok(ExitCode::SUCCESS)
        }
        [target, seconds, seed] => {
            let time = Duration::from_secs(seconds.parse()?);
            round(named(target)?, time, seed.parse()?)
        }
        _ => Err(USAGE.into()),
    }
}

fn named(name: &str) -> Result<&'static Target> {
    let target = TARGETS.iter().find(|target| target.name == name);
    Ok(target.ok_or_else(|| format!("there is no target `{name}`; `mutate list` shows them"))?)
}

/// Lists the targets. One without valid seeds needs a decoder that is not in this build and is skipped.
fn list() {
    for target in TARGETS {
        let seeds = seeds::of(target.name);
        let whole = seeds.iter().filter(|seed| seed.wanted == Wanted::Accepted);
        let (name, about, whole) = (target.name, target.about, whole.count());
        if whole == 0 {
            continue;
        }
        let faults = seeds.len() - whole;
        println!("{name:18} {about}; seeds: {whole} valid, {faults} with a fault");
    }
}

fn write_seeds(target: &Target, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (number, seed) in seeds::of(target.name).iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), &seed.bytes)?;
    }
    Ok(())
}

/// Runs a round in a thread with the default stack size, which the program's own threads have too.
fn round(target: &'static Target, time: Duration, seed: u64) -> Result<ExitCode> {
    let round = std::thread::spawn(move || Round::new(target, seed)?.run(time));
    let ended = round.join().map_err(|_| "the round itself panicked")?;
    let summary = ended.map_err(|error| error.to_string())?;
    println!("{summary}");
    Ok(if summary.failure.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
