//! Features that are read in blocks: they have the same values and train an equally good head; some options
//! need all features in memory.

use std::path::Path;

use frostline::Error;
use frostline::features::{
    Content, Digest, Dtype, Existing, FeatureStore, Index, IndexRow, Numbers, StoreManifest,
    StoreWriter,
};
use frostline::head::{FitParams, Solver};
use frostline::images::View;
use frostline::progress::Silent;
use frostline::tasks::{CrossValidation, FitHeadOptions, FitHeadReport, Validation, fit_head};

use crate::harness::manifest;

/// Returns features of two classes that differ in one value of twelve, by much less than the noise.
fn features(image: usize) -> Vec<f32> {
    let noise = |j: usize| ((image * 37 + j * 11 + image * j) % 16) as f32 / 16.0;
    let class = (image % 2) as f32;
    (0..12)
        .map(|j| noise(j) + if j == 5 { class } else { 0.0 })
        .collect()
}

fn digest(image: usize) -> Digest {
    Digest::of(&image.to_le_bytes())
}

fn with_dtype(dtype: Dtype) -> StoreManifest {
    StoreManifest::new(manifest().spec, dtype, manifest().engine)
}

/// Writes a store of `n` images in parts of 30; even and odd images are the classes.
fn store_of(folder: &Path, n: usize, dtype: Dtype) {
    let mut writer = StoreWriter::open(folder, with_dtype(dtype), Existing::Extend).unwrap();
    for image in 0..n {
        writer.push(digest(image), &features(image)).unwrap();
        if image % 30 == 29 {
            writer.flush().unwrap();
        }
    }
    let row = |image: usize| IndexRow {
        path: format!("{image}.png"),
        class: Some(["even", "odd"][image % 2].to_owned()),
        content: Ok(Content {
            digest: digest(image),
            width: 4,
            height: 3,
        }),
    };
    let index: Index = (0..n).map(row).collect();
    writer.finish_run(&index, &[]).unwrap();
}

#[test]
fn stretches_hold_each_image_that_was_asked_for() {
    for dtype in [Dtype::F32, Dtype::F16] {
        let folder = tempfile::tempdir().unwrap();
        store_of(folder.path(), 100, dtype);
        let store = FeatureStore::open(folder.path()).unwrap();
        // One image is listed twice.
        let asked: Vec<Digest> = [7, 95, 31, 8, 7].map(digest).into();
        let stretches = store.stretches(&asked, &[View::Center]).unwrap();
        let whole = store.features(&asked).unwrap();
        let mut seen = Vec::new();
        for stretch in 0..stretches.len() {
            let mut numbers = Numbers::new(dtype);
            stretches.read(stretch, &mut numbers).unwrap();
            let numbers: Vec<f32> = match numbers {
                Numbers::F32(numbers) => numbers,
                Numbers::F16(numbers) => numbers.iter().map(|x| x.to_f32()).collect(),
            };
            let rows = numbers.chunks(12);
            assert_eq!(rows.len(), stretches.images(stretch).len());
            for (row, image) in rows.zip(stretches.images(stretch)) {
                assert_eq!(row, whole.row(image).to_vec());
                seen.push(image);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        let error = store
            .stretches(&[digest(100)], &[View::Center])
            .unwrap_err();
        assert!(error.to_string().contains("1 image are missing"));
    }
}

#[test]
fn a_part_that_was_cut_is_told() {
    let folder = tempfile::tempdir().unwrap();
    store_of(folder.path(), 60, Dtype::F32);
    let part = folder.path().join("part-00001.arrow");
    let bytes = std::fs::read(&part).unwrap();
    let store = FeatureStore::open(folder.path()).unwrap();
    for length in [0, 9, 40, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&part, &bytes[..length]).unwrap();
        let error = store.stretches(&[digest(0)], &[View::Center]).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{length}: {error}");
    }
    std::fs::write(&part, &bytes).unwrap();
    let stretches = store.stretches(&[digest(59)], &[View::Center]).unwrap();
    std::fs::write(&part, &bytes[..bytes.len() / 3]).unwrap();
    let error = stretches
        .read(0, &mut Numbers::new(Dtype::F32))
        .unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
}

fn options(folder: &Path, memory: u64) -> FitHeadOptions {
    let mut options = FitHeadOptions::new(folder.join("store"), folder.join("head"));
    options.params = FitParams::new().lr(0.1);
    options.validation = Validation::Split(0.25);
    options.memory = Some(memory);
    options
}

fn fitted(folder: &Path, memory: u64) -> FitHeadReport {
    fit_head(&options(folder, memory), &mut |_| {}, &Silent).unwrap()
}

#[test]
fn a_store_larger_than_the_memory_is_learned_from_as_well() {
    let folder = tempfile::tempdir().unwrap();
    store_of(&folder.path().join("store"), 400, Dtype::F32);
    // All features take 400 · 12 · 4 bytes.
    let whole = fitted(folder.path(), 19_200);
    let blocks = fitted(folder.path(), 19_199);
    let streaming = blocks.streamed.unwrap();
    assert!(whole.streamed.is_none());
    // Half of 19,199 bytes, at 48 bytes per image.
    let said = (streaming.needed, streaming.allowed, streaming.images);
    assert_eq!(said, (19_200, 19_199, 199));
    assert_eq!(
        (blocks.n_train, blocks.n_validation),
        (whole.n_train, whole.n_validation)
    );
    let [whole_figures, figures] = [&whole, &blocks].map(|report| report.fit.validation.unwrap());
    assert!(
        (whole_figures.loss - figures.loss).abs() < 0.05,
        "{figures:?}"
    );
    assert!(figures.accuracy > 0.95, "{figures:?}");
    assert_eq!(fitted(folder.path(), 19_199).fit.head, blocks.fit.head);
}

#[test]
fn what_needs_all_features_says_how_much_memory_that_is() {
    let folder = tempfile::tempdir().unwrap();
    store_of(&folder.path().join("store"), 60, Dtype::F32);
    let folds = Some(CrossValidation::default());
    let refused = |change: &dyn Fn(&mut FitHeadOptions)| {
        let mut options = options(folder.path(), 1000);
        change(&mut options);
        fit_head(&options, &mut |_| {}, &Silent)
            .unwrap_err()
            .to_string()
    };
    let wanted = "`calibrate` needs all features in memory: they take 1 MiB";
    assert!(refused(&|o| o.calibrate = folds).contains(wanted));
    assert!(refused(&|o| o.search = folds).contains("`search`"));
    assert!(refused(&|o| o.reject = Some(0.01)).contains("`reject`"));
    let lbfgs = |o: &mut FitHeadOptions| o.params = FitParams::new().solver(Solver::Lbfgs);
    assert!(refused(&lbfgs).starts_with("the solver `lbfgs` needs all features in memory"));
}
