//! `--labels` on feature stores: which images get which label, and that stores stay as they are.

use std::fs;
use std::path::{Path, PathBuf};

use frostline::features::{Content, Digest, Existing, FeatureStore, Index, IndexRow, StoreWriter};
use frostline::head::HeadFile;
use frostline::labels::{LabelColumns, write_labels};
use frostline::progress::Silent;
use frostline::tasks::{
    FitHeadOptions, FitHeadReport, LabelOptions, Validation, fit_head, label_diff,
};

use crate::harness::manifest;

/// Writes a store of images in one folder, whose features depend on the parity of their numbers.
fn store(path: &Path, name: &str, first: u8, n: u8) {
    let mut writer = StoreWriter::open(path, manifest(), Existing::Extend).unwrap();
    let mut index = Index::default();
    for number in 0..n {
        let digest = Digest::of(&[first + number]);
        let features: Vec<f32> = (0..12_u8)
            .map(|i| f32::from(number % 2) + f32::from(i) / 100.0)
            .collect();
        writer.push(digest, &features).unwrap();
        index.push(IndexRow {
            path: format!("{name}/{number}.png"),
            class: Some("folder".to_owned()),
            content: Ok(Content {
                digest,
                width: 4,
                height: 3,
            }),
        });
    }
    writer.finish_run(&index, &[]).unwrap();
}

struct Place(tempfile::TempDir);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes labels of 8 images by the parity of their numbers, with a prefix before the paths.
    fn labels(&self, prefix: &str) {
        let rows: Vec<(String, &str)> = (0..8)
            .map(|number| (format!("{prefix}{number}.png"), ["even", "odd"][number % 2]))
            .collect();
        let rows = rows.iter().map(|(path, label)| (path.as_str(), *label));
        write_labels(&self.path("labels.csv"), rows).unwrap();
    }

    fn fit(&self, validation: Option<&str>) -> frostline::Result<FitHeadReport> {
        let mut options = FitHeadOptions::new(self.path("train"), self.path("head"));
        options.labels = Some(LabelOptions::new(self.path("labels.csv")));
        if let Some(name) = validation {
            options.validation = Validation::Store(self.path(name));
        }
        fit_head(&options, &mut |_| {}, &Silent)
    }
}

fn two_stores(train: &str, validation: &str, first: u8) -> Place {
    let place = Place(tempfile::tempdir().unwrap());
    store(&place.path("train"), train, 0, 8);
    store(&place.path("validation"), validation, first, 4);
    place
}

#[test]
fn a_store_stays_as_it_is() {
    let place = two_stores("a", "b", 100);
    let index = || fs::read(place.path("train/index.arrow")).unwrap();
    let before = index();
    place.labels("data/a/");
    let report = place.fit(None).unwrap();
    let classes: Vec<&str> = report.classes.iter().collect();
    assert_eq!(classes, ["even", "odd"]);
    assert_eq!(
        (report.n_train, report.laid_labels.unwrap().n_unmatched),
        (8, 0)
    );
    assert_eq!(index(), before);
    let head = HeadFile::read(place.path("head")).unwrap();
    let file = head.metrics["label_file"].as_str().unwrap();
    assert!(file.ends_with("labels.csv"), "{file}");
}

#[test]
fn the_labels_apply_to_both_stores() {
    // The validation images have the same paths, and are the same images as in the training set.
    let place = two_stores("a", "a", 0);
    place.labels("a/");
    let report = place.fit(Some("validation")).unwrap();
    assert_eq!((report.n_train, report.n_validation), (8, 4));
    let laid = report.laid_labels.unwrap();
    assert_eq!((laid.n_labelled, laid.second_has_own), (12, false));
}

#[test]
fn a_path_of_two_images_is_ambiguous_and_a_digest_is_not() {
    let place = two_stores("a", "a", 100);
    place.labels("a/");
    let error = place.fit(Some("validation")).unwrap_err().to_string();
    assert!(
        error.contains("have different images called `a/0.png`"),
        "{error}"
    );
    let digests = (0..8).map(|number| (number, Digest::of(&[number])));
    let others = (0..4).map(|number| (number, Digest::of(&[100 + number])));
    let rows: Vec<String> = digests
        .chain(others)
        .map(|(number, digest)| format!("{digest},{}\n", ["even", "odd"][usize::from(number % 2)]))
        .collect();
    fs::write(
        place.path("labels.csv"),
        format!("digest,label\n{}", rows.concat()),
    )
    .unwrap();
    let report = place.fit(Some("validation")).unwrap();
    assert_eq!((report.n_train, report.n_validation), (8, 4));
}

/// Its classes are those of its folders, none of which the head has.
#[test]
fn a_second_store_that_the_file_does_not_list_keeps_its_classes() {
    let place = two_stores("a", "b", 100);
    place.labels("a/");
    let error = place.fit(Some("validation")).unwrap_err().to_string();
    assert!(error.contains("folder"), "{error}");
    // Without the labels, the class is there.
    let index = FeatureStore::open(&place.path("validation")).unwrap();
    assert_eq!(index.index().class(0), Some("folder"));
}

#[test]
fn what_changed_is_counted_by_class() {
    let place = Place(tempfile::tempdir().unwrap());
    let [old, new] = ["old.csv", "new.csv"].map(|name| place.path(name));
    write_labels(
        &old,
        [
            ("a", "cat"),
            ("b", "cat"),
            ("c", "dog"),
            ("d", ""),
            ("gone", "dog"),
        ],
    )
    .unwrap();
    write_labels(
        &new,
        [
            ("x/a", "cat"),
            ("x/b", "dog"),
            ("x/c", ""),
            ("x/new", "cat"),
            ("x/d", ""),
        ],
    )
    .unwrap();
    let diff = label_diff(&old, &new, &LabelColumns::default()).unwrap();
    let changes = diff.changes.iter().map(|change| {
        let [before, after] =
            [&change.before, &change.after].map(|class| class.as_deref().unwrap_or("-"));
        format!("{} {before} {after}", change.path)
    });
    let changes: Vec<String> = changes.collect();
    assert_eq!(
        changes,
        ["x/b cat dog", "x/c dog -", "x/new - cat", "gone dog -"]
    );
    assert_eq!(diff.n_same, 2);
    assert_eq!(diff.moves[0].n_images, 2);
}
