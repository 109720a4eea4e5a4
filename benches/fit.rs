//! Fits a head, timed by another program: prints `ready WHAT`, then answers each line `go` with the seconds
//! of one fit.
//!
//! `cargo bench --bench fit -- N D C EPOCHS BATCH DTYPE MODE FEATURES LABELS`: the file `FEATURES` holds
//! N · D little-endian float32 values, `LABELS` N little-endian int64 values (numpy's `tofile`); `DTYPE` is
//! `f32` or `f16`; `MODE` is `sgd`, `lbfgs` or `linfa`. The last two use scikit-learn's tolerance of 1e-4.
//! Reading and rounding the values is not timed.

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::str::FromStr;
use std::time::Instant;

use frostline::ClassIndex;
use frostline::head::{FitParams, LabelledFeatures, Solver, fit};
use half::f16;
use linfa::ParamGuard;
use ndarray::Array2;

fn main() {
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    if words.is_empty() {
        println!("usage: fit N D C EPOCHS BATCH DTYPE MODE FEATURES LABELS");
        return;
    }
    let [n, d, c, epochs, batch, dtype, mode, features, labels] = &words[..] else {
        panic!("expected 9 arguments, found {}", words.len());
    };
    let features = read(features, dtype == "f16", (number(n), number(d)));
    let targets: Vec<usize> = numbers(labels, i64::from_le_bytes)
        .map(|y| y as usize)
        .collect();
    let classes = ClassIndex::from_names((0..number(c)).map(|class: usize| format!("{class:05}")));
    let set = LabelledFeatures::new(features.view(), &targets, &classes).expect("usable features");
    let params = FitParams::new()
        .epochs(number(epochs))
        .batch_size(number(batch));
    let params = match mode.as_str() {
        "sgd" => params,
        "lbfgs" => params.solver(Solver::Lbfgs).tol(1e-4),
        "linfa" => params.solver(Solver::Linfa).tol(1e-4),
        other => panic!("unknown mode `{other}`"),
    };
    let params = params.check().expect("usable parameters");
    println!("ready frostline {}", env!("CARGO_PKG_VERSION"));
    for line in io::stdin().lock().lines() {
        if !line.expect("text").starts_with("go") {
            break;
        }
        let begin = Instant::now();
        let fit = fit(&params, &set, None, &mut |_| {}).expect("a fit");
        println!("{:.9}", begin.elapsed().as_secs_f64());
        io::stdout().flush().expect("an open pipe");
        eprintln!(
            "{:?}",
            fit.optimum
                .map_or_else(|| format!("{:?}", fit.history.last()), |o| format!("{o:?}"))
        );
    }
}

fn number<T: FromStr>(word: &str) -> T {
    word.parse()
        .unwrap_or_else(|_| panic!("`{word}` is not a number"))
}

fn numbers<const B: usize, T>(path: &str, of: impl Fn([u8; B]) -> T) -> impl Iterator<Item = T> {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("cannot read `{path}`: {e}"));
    let chunks: Vec<[u8; B]> = bytes.as_chunks().0.to_vec();
    chunks.into_iter().map(of)
}

fn read(path: &str, rounded: bool, shape: (usize, usize)) -> Array2<f32> {
    let round = |x: f32| {
        if rounded {
            f16::from_f32(x).to_f32()
        } else {
            x
        }
    };
    let numbers = numbers(path, f32::from_le_bytes).map(round).collect();
    Array2::from_shape_vec(shape, numbers).expect("the file has N · D values")
}
