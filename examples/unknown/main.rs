//! Measures how well images of no known class are distinguished from the others: the AUROC of the head's
//! rejection and of common alternatives.
//!
//! `cargo run --release --example unknown -- --train STORE --known STORE [--known STORE] --unknown STORE`
//! trains a head with the defaults on one feature store and counts the pairs of a known and an unknown image
//! in which the known one has the higher score. With `--pairs` it also leaves out each pair of classes in
//! turn and treats the known images of these two classes as unknown (the hard case), alone and together with
//! the unknown store.

mod scores;
mod stores;

use std::env;
use std::error::Error;
use std::path::PathBuf;

use frostline::ClassIndex;

use self::scores::{METHODS, Trained, auroc};
use self::stores::Images;

const USAGE: &str = "usage: cargo run --release --example unknown -- --train STORE --known STORE [--known \
    STORE] --unknown STORE [--pairs]";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The command line's arguments.
#[derive(Default)]
struct Args {
    train: Vec<PathBuf>,
    known: Vec<PathBuf>,
    unknown: Vec<PathBuf>,
    pairs: bool,
}

fn main() -> Result<()> {
    let args = Args::of(env::args().skip(1)).ok_or(USAGE)?;
    let train = Images::of(&args.train)?;
    let (known, unknown) = (Images::of(&args.known)?, Images::of(&args.unknown)?);
    let classes = ClassIndex::from_names(train.names.iter().cloned());
    let (n_train, n_known) = (train.names.len(), known.names.len());
    println!(
        "trained on {n_train} images; tested on {n_known} known and {} unknown images\n",
        unknown.names.len()
    );
    println!(
        "{:24}{}",
        "AUROC",
        METHODS.map(|name| format!("{name:>20}")).concat()
    );
    let trained = Trained::on(&train)?;
    let scores = (trained.scores(&known)?, trained.scores(&unknown)?);
    row("unknown store", &aurocs(&scores.0, &scores.1));
    if args.pairs {
        let (near, both) = every_pair(&classes, &train, &known, &unknown)?;
        row("two classes left out", &near);
        row("both together", &both);
    }
    println!(
        "\nfit-head --reject 0.05 rejects {:.1} % of the known images and {:.1} % of the unknown ones",
        100.0 * trained.rejected(&known)?,
        100.0 * trained.rejected(&unknown)?
    );
    Ok(())
}

impl Args {
    fn of(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut args = Self::default();
        while let Some(word) = words.next() {
            let stores = match word.as_str() {
                "--train" => &mut args.train,
                "--known" => &mut args.known,
                "--unknown" => &mut args.unknown,
                "--pairs" => {
                    args.pairs = true;
                    continue;
                }
                _ => return None,
            };
            stores.push(words.next()?.into());
        }
        let given = [&args.train, &args.known, &args.unknown];
        given
            .iter()
            .all(|stores| !stores.is_empty())
            .then_some(args)
    }
}

fn row(name: &str, values: &[f64]) {
    let values: Vec<_> = values
        .iter()
        .map(|value| format!("{value:>20.3}"))
        .collect();
    println!("{name:24}{}", values.concat());
}

type Scores = [Vec<f64>; METHODS.len()];

/// Returns the AUROC of each method.
fn aurocs(known: &Scores, unknown: &Scores) -> [f64; METHODS.len()] {
    std::array::from_fn(|method| auroc(&known[method], &unknown[method]))
}

/// Returns the mean AUROCs over all pairs of classes: for the two classes left out, and for these together
/// with the unknown store.
fn every_pair(
    classes: &ClassIndex,
    train: &Images,
    known: &Images,
    unknown: &Images,
) -> Result<([f64; METHODS.len()], [f64; METHODS.len()])> {
    let (mut near, mut both) = ([0.0; METHODS.len()], [0.0; METHODS.len()]);
    let names: Vec<&str> = classes.iter().collect();
    let pairs = (0..names.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let pairs: Vec<_> = pairs.map(|(i, j)| [names[i], names[j]]).collect();
    for pair in &pairs {
        let trained = Trained::on(&train.only(|name| !pair.contains(&name)))?;
        let kept = trained.scores(&known.only(|name| !pair.contains(&name)))?;
        let left_out = trained.scores(&known.only(|name| pair.contains(&name)))?;
        let far = trained.scores(unknown)?;
        let all: Scores = std::array::from_fn(|i| [&left_out[i][..], &far[i]].concat());
        for method in 0..METHODS.len() {
            near[method] += aurocs(&kept, &left_out)[method] / pairs.len() as f64;
            both[method] += aurocs(&kept, &all)[method] / pairs.len() as f64;
        }
    }
    Ok((near, both))
}
