//! Simulates the extraction of many images on a cluster, to choose the size of its shards:
//! `cargo run --release --example shard_size -- [IMAGES [WORKERS [IMAGES_PER_SECOND]]]`
//!
//! Prints how long the job takes and which share of the workers' time is wasted, for each size of shards, if
//! stores outlive their workers and if they are lost with them. The same arguments give the same numbers.

mod cluster;
mod random;

use cluster::{Cluster, Outcome, Storage};

/// Runs of each size; the table has their mean.
const RUNS: u64 = 3;
const SIZES: [u64; 10] = [
    500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
];

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map(|word| word.parse().expect("a number"))
        .collect();
    let number = |i: usize, default: u64| numbers.get(i).copied().unwrap_or(default);
    let cluster = Cluster {
        images: number(0, 100_000_000),
        workers: number(1, 1_000) as usize,
        rate: number(2, 200) as f64,
        ..Cluster::default()
    };
    let Cluster {
        images,
        workers,
        rate,
        ..
    } = cluster;
    println!("{images} images on {workers} workers, {rate} images/s each; {cluster:?}\n");
    println!("| images per shard | store | hours | ideal | wasted | start-up | lost | idle |");
    println!("|--:|---|--:|--:|--:|--:|--:|--:|");
    for storage in [Storage::Kept, Storage::Lost] {
        for size in SIZES.into_iter().filter(|size| *size <= images) {
            let runs: Vec<Outcome> = (0..RUNS)
                .map(|seed| cluster.run(size, storage, seed))
                .collect();
            print(size, storage, &Outcome::mean(&runs));
        }
    }
}

fn print(size: u64, storage: Storage, outcome: &Outcome) {
    let share = |seconds: f64| format!("{:.1} %", 100.0 * seconds / outcome.held);
    let store = match storage {
        Storage::Kept => "outlives its worker",
        Storage::Lost => "lost with its worker",
    };
    println!(
        "| {size} | {store} | {:.2} | {:.2} | {} | {} | {} | {} |",
        outcome.length / 3600.0,
        outcome.ideal / 3600.0,
        share(outcome.wasted()),
        share(outcome.started),
        share(outcome.lost),
        share(outcome.idle),
    );
}
