use std::collections::BTreeMap;
use std::fs;

use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::head::{below, order_generator};
use crate::progress::Silent;
use crate::progress::tests::StopsAt;
use crate::tasks::laid_labels::LabelOptions;

/// Files by their paths relative to a folder.
type Tree = BTreeMap<String, Vec<u8>>;

fn tree(folder: &Path) -> Tree {
    let mut files = Tree::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                files.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A random folder of images, with labels, and a target folder that has files already.
struct Case {
    folder: tempfile::TempDir,
    /// The class of each image, if it has one.
    labels: BTreeMap<String, Option<String>>,
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut generator = order_generator(seed);
        let folder = tempfile::tempdir().unwrap();
        let draw = |generator: &mut Xoshiro256PlusPlus, words: &[&str]| {
            words[below(words.len(), generator)].to_owned()
        };
        let mut labels = BTreeMap::new();
        for _ in 0..=below(30, &mut generator) {
            // Few names and contents, so that there are copies and images of the same name.
            let place = draw(&mut generator, &["", "cat/", "a/b/", "x y/"]);
            let name = place
                + &draw(
                    &mut generator,
                    &["1.jpg", "2.jpg", "1-2.jpg", "é.png", "n.o.jpg"],
                );
            let bytes = draw(&mut generator, &["one", "two", "three", "four"]);
            write(&folder.path().join("images").join(&name), bytes.as_bytes());
            let label = draw(&mut generator, &["cat", "dog, small", "unknown", "", "-"]);
            labels.insert(name, Some(label).filter(|label| label != "-"));
        }
        for _ in 0..below(6, &mut generator) {
            let class = draw(&mut generator, &["cat", "dog, small", "other"]);
            let name = draw(&mut generator, &["1.jpg", "2.jpg", "1-2.jpg"]);
            let bytes = draw(&mut generator, &["one", "old", "four"]);
            write(
                &folder.path().join("sorted").join(class).join(name),
                bytes.as_bytes(),
            );
        }
        let rows = labels
            .iter()
            .filter_map(|(name, label)| Some((&**name, label.as_deref()?)));
        crate::labels::write_labels(&folder.path().join("labels.csv"), rows).unwrap();
        Self { folder, labels }
    }

    fn options(&self, how: Sorting) -> ApplyLabelsOptions {
        let [file, images, target] =
            ["labels.csv", "images", "sorted"].map(|name| self.folder.path().join(name));
        ApplyLabelsOptions::new(LabelOptions::new(file), images, target, how)
    }

    fn trees(&self) -> [Tree; 2] {
        ["images", "sorted"].map(|name| tree(&self.folder.path().join(name)))
    }

    fn class(&self, name: &str) -> Option<&str> {
        self.labels[name]
            .as_deref()
            .filter(|class| !class.is_empty())
    }

    /// Checks the folders after all images were sorted.
    fn check(&self, how: Sorting, [images, sorted]: &[Tree; 2], report: &ApplyLabelsReport) {
        let [left, now] = self.trees();
        for (name, bytes) in sorted {
            assert_eq!(now.get(name), Some(bytes), "{name} was there before");
        }
        let labelled = images
            .keys()
            .filter(|name| self.class(name).is_some())
            .count();
        assert_eq!(report.n_placed + report.n_there, labelled);
        assert_eq!(report.classes.values().sum::<usize>(), labelled);
        assert_eq!(
            now.len(),
            sorted.len() + report.n_placed,
            "one file for each new image"
        );
        for (name, bytes) in images {
            let class = self.class(name);
            let is_there = class.is_some_and(|class| {
                let below = format!("{class}/");
                now.iter()
                    .any(|(place, there)| place.starts_with(&below) && there == bytes)
            });
            assert_eq!(is_there, class.is_some(), "{name}");
            let stays = class.is_none() || how != Sorting::Move;
            assert_eq!(left.get(name), Some(bytes).filter(|_| stays), "{name}");
        }
    }
}

#[test]
fn nothing_is_lost_and_nothing_overwritten() {
    for seed in 0..60 {
        for how in [Sorting::Copy, Sorting::Link, Sorting::Move] {
            let case = Case::new(seed);
            let options = case.options(how);
            let before = case.trees();
            let dry = ApplyLabelsOptions {
                dry_run: true,
                ..options.clone()
            };
            let planned = apply_labels(&dry, &Silent);
            assert_eq!(case.trees(), before, "a dry run changes nothing");
            let Ok(report) = apply_labels(&options, &Silent) else {
                assert!(planned.is_err());
                assert!(
                    case.labels.keys().all(|name| case.class(name).is_none()) || planned.is_err()
                );
                continue;
            };
            assert_eq!(
                ApplyLabelsReport {
                    dry_run: false,
                    ..planned.unwrap()
                },
                report
            );
            case.check(how, &before, &report);
            // Again: there is nothing left to do.
            let after = case.trees();
            if let Ok(again) = apply_labels(&options, &Silent) {
                assert_eq!((again.n_placed, case.trees()), (0, after));
            }
        }
    }
}

#[test]
fn a_run_that_is_stopped_is_continued() {
    for seed in 0..40 {
        let case = Case::new(seed);
        let options = case.options(Sorting::Move);
        let before = case.trees();
        let mut placed = 0;
        let stopped = apply_labels(&options, &StopsAt::new(4));
        if let Ok(report) = &stopped {
            placed = report.n_placed;
        }
        let [images, sorted] = case.trees();
        let contents = |trees: &[&Tree]| -> BTreeSet<Vec<u8>> {
            trees
                .iter()
                .flat_map(|tree| tree.values().cloned())
                .collect()
        };
        let all = contents(&[&before[0], &before[1]]);
        assert_eq!(contents(&[&images, &sorted]), all);
        if stopped.is_err() && apply_labels(&options, &Silent).is_ok() {
            placed += 1;
        }
        let [images, sorted] = case.trees();
        assert_eq!(contents(&[&images, &sorted]), all);
        let left = images
            .keys()
            .filter(|name| case.class(name).is_some())
            .count();
        assert!(placed == 0 || left == 0);
    }
}

fn one_image() -> Case {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("images/1.jpg"), b"one");
    let labels = [("1.jpg".to_owned(), Some("cat".to_owned()))].into();
    crate::labels::write_labels(&folder.path().join("labels.csv"), [("1.jpg", "cat")]).unwrap();
    Case { folder, labels }
}

#[test]
fn classes_that_lead_elsewhere_are_refused_before_anything_is_written() {
    for class in ["../x", "a/b", ".", "..", "NUL"] {
        let case = one_image();
        write(&case.folder.path().join("images/0.jpg"), b"zero");
        let rows = [("0.jpg", "cat"), ("1.jpg", class)];
        crate::labels::write_labels(&case.folder.path().join("labels.csv"), rows).unwrap();
        let error = apply_labels(&case.options(Sorting::Move), &Silent).unwrap_err();
        assert!(
            matches!(error, Error::Task(TaskError::FolderNames { .. })),
            "{error}"
        );
        assert!(!case.folder.path().join("sorted").exists());
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let case = one_image();
    let [image, sorted, elsewhere] =
        ["images/1.jpg", "sorted", "elsewhere"].map(|name| case.folder.path().join(name));
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir_all(&sorted).unwrap();
    symlink(&elsewhere, sorted.join("cat")).unwrap();
    let error = apply_labels(&case.options(Sorting::Copy), &Silent).unwrap_err();
    assert!(
        matches!(error, Error::Task(TaskError::NoClassFolder { .. })),
        "{error}"
    );
    assert!(tree(&elsewhere).is_empty());
    // A link to the image itself has its content, but does not keep it.
    fs::remove_file(sorted.join("cat")).unwrap();
    fs::create_dir(sorted.join("cat")).unwrap();
    symlink(&image, sorted.join("cat/1.jpg")).unwrap();
    let report = apply_labels(&case.options(Sorting::Move), &Silent).unwrap();
    assert_eq!((report.n_placed, report.n_renamed), (1, 1));
    assert_eq!(fs::read(sorted.join("cat/1-2.jpg")).unwrap(), b"one");
    assert!(!image.exists());
}

#[test]
fn images_can_be_sorted_in_place() {
    let case = one_image();
    let options = ApplyLabelsOptions {
        target: case.folder.path().join("images"),
        ..case.options(Sorting::Move)
    };
    assert_eq!(apply_labels(&options, &Silent).unwrap().n_placed, 1);
    crate::labels::write_labels(
        &case.folder.path().join("labels.csv"),
        [("cat/1.jpg", "cat")],
    )
    .unwrap();
    let again = apply_labels(&options, &Silent).unwrap();
    assert_eq!((again.n_placed, again.n_there), (0, 1));
    assert_eq!(
        tree(&options.images),
        [("cat/1.jpg".to_owned(), b"one".to_vec())].into()
    );
}

#[test]
fn uncertain_predictions_are_unknown() {
    let case = one_image();
    for name in ["2.jpg", "3.jpg", "4.jpg"] {
        write(
            &case.folder.path().join("images").join(name),
            name.as_bytes(),
        );
    }
    let text = "path,label,probability,status\n1.jpg,cat,0.9,ok\n2.jpg,cat,0.4,ok\n\
        3.jpg,cat,0.8,unknown: far\n4.jpg,,,skipped: cut\n";
    write(&case.folder.path().join("labels.csv"), text.as_bytes());
    let options = ApplyLabelsOptions {
        min_probability: Some(0.5),
        ..case.options(Sorting::Copy)
    };
    let report = apply_labels(&options, &Silent).unwrap();
    assert_eq!(report.n_without_label, 2);
    let names: Vec<String> = tree(&options.target).into_keys().collect();
    assert_eq!(names, ["cat/1.jpg", "unknown/2.jpg", "unknown/3.jpg"]);
    // A class of that name would be mixed with them.
    write(
        &case.folder.path().join("labels.csv"),
        text.replace("1.jpg,cat", "1.jpg,unknown").as_bytes(),
    );
    assert!(
        apply_labels(&options, &Silent)
            .unwrap_err()
            .to_string()
            .contains("rejected images")
    );
    write(
        &case.folder.path().join("labels.csv"),
        b"path,label\n1.jpg,cat\n",
    );
    let error = apply_labels(&options, &Silent).unwrap_err().to_string();
    assert!(error.contains("no probability in line 2"), "{error}");
}

#[test]
fn long_names_leave_room_for_a_number() {
    let mut case = Case::new(1);
    let name = format!("{}é.jpg", "n".repeat(249));
    for folder in ["1", "2"] {
        let image = format!("{folder}/{name}");
        write(
            &case.folder.path().join("images").join(&image),
            folder.as_bytes(),
        );
        case.labels.insert(image, Some("cat".to_owned()));
    }
    let rows = case.labels.iter();
    let rows = rows.filter_map(|(name, label)| Some((&**name, label.as_deref()?)));
    crate::labels::write_labels(&case.folder.path().join("labels.csv"), rows).unwrap();
    apply_labels(&case.options(Sorting::Move), &Silent).unwrap();
    let sorted = tree(&case.folder.path().join("sorted/cat"));
    assert_eq!(sorted[&name], b"1");
    assert_eq!(sorted[&format!("{}-2.jpg", "n".repeat(249))], b"2");
}

#[test]
fn classes_that_are_one_folder_on_some_systems_are_refused() {
    for [one, other] in [["Dress", "dress"], ["caf\u{e9}", "cafe\u{301}"]] {
        let case = Case::new(2);
        let images = ["1.jpg", "2.jpg"].into_iter();
        for name in images.clone() {
            write(
                &case.folder.path().join("images").join(name),
                name.as_bytes(),
            );
        }
        let rows = images.zip([one, other]);
        crate::labels::write_labels(&case.folder.path().join("labels.csv"), rows).unwrap();
        let before = tree(case.folder.path());
        let error = apply_labels(&case.options(Sorting::Copy), &Silent).unwrap_err();
        assert!(error.to_string().contains("only in case"), "{error}");
        assert_eq!(tree(case.folder.path()), before);
    }
}
