//! One epoch of SGD in batches of 32: `cargo bench --bench sgd_epoch`.

use divan::Bencher;
use divan::counter::BytesCount;
use frostline::classes::ClassIndex;
use frostline::head::{FitParams, LabelledFeatures, LinearHead, Sgd};
use linfa::ParamGuard;
use ndarray::Array2;

fn main() {
    divan::main();
}

/// N, D, C: the tutorial's job, one that needs the memory, and one that needs the arithmetic.
#[divan::bench(args = [(694, 4096, 2), (20_000, 4096, 10), (20_000, 1280, 100)], sample_count = 5)]
fn epoch(bencher: Bencher, (n, d, c): (usize, usize, usize)) {
    let features = Array2::from_shape_fn((n, d), |(i, j)| ((i * 31 + j * 17) % 101) as f32 / 101.0);
    let targets: Vec<usize> = (0..n).map(|i| i % c).collect();
    let rows: Vec<usize> = (0..n).map(|i| i * 7919 % n).collect();
    let classes = ClassIndex::from_names((0..c).map(|class| format!("{class:05}")));
    let set = LabelledFeatures::new(features.view(), &targets, &classes).expect("usable");
    let params = FitParams::new().check().expect("the defaults");
    let mut sgd = Sgd::new(&params, &LinearHead::zeros(c, d));
    bencher
        .counter(BytesCount::of_many::<f32>(n * d))
        .bench_local(|| sgd.steps(&set, &rows, 32));
}
