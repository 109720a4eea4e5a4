use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::head::{below, order_generator};
use crate::progress::Silent;

/// A random folder of images with copies, and a table of groups.
struct Case {
    folder: tempfile::TempDir,
    /// The content and the group of each image.
    images: BTreeMap<String, (usize, usize)>,
    seed: u64,
}

impl Case {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut case = Self {
            folder,
            images: BTreeMap::new(),
            seed,
        };
        case.add(0, 60);
        case
    }

    /// Adds images with these numbers.
    fn add(&mut self, first: usize, last: usize) {
        let mut generator = order_generator(self.seed * 1000 + first as u64);
        for number in first..last {
            let class = ["cat", "dog", "eel"][below(3, &mut generator)];
            // Some are copies of others of their class, and groups are within a class too.
            let content = below(200, &mut generator);
            let name = format!("{class}/{number}.ppm");
            let path = self.folder.path().join("images").join(&name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(
                path,
                format!(
                    "P3 1 1 255 {} {content} 0",
                    class.len() + usize::from(class.as_bytes()[0])
                ),
            )
            .unwrap();
            let group = below(40, &mut generator);
            self.images.insert(name, (content, group));
        }
        let rows: Vec<String> = self
            .images
            .iter()
            .map(|(name, (_, group))| format!("{name},{} {group}\n", &name[..3]))
            .collect();
        let table = format!("path,patient\n{}", rows.concat());
        fs::write(self.folder.path().join("groups.csv"), table).unwrap();
    }

    fn options(&self) -> SplitOptions {
        let [images, output, groups] =
            ["images", "splits.csv", "groups.csv"].map(|name| self.folder.path().join(name));
        let mut options = SplitOptions::new(images, output);
        options.groups = Some((groups, "patient".to_owned()));
        options.fractions = [0.6, 0.2, 0.2];
        options
    }

    /// Checks that images that belong together are in one split.
    fn check_together(&self, splits: &BTreeMap<String, String>) {
        let mut seen = HashMap::new();
        for (name, (content, group)) in &self.images {
            let class = &name[..3];
            for key in [
                format!("{class} content {content}"),
                format!("{class} group {group}"),
            ] {
                let split = seen
                    .entry(key.clone())
                    .or_insert_with(|| splits[name].clone());
                assert_eq!(*split, splits[name], "{key}");
            }
        }
    }
}

fn read(path: &Path) -> BTreeMap<String, String> {
    let columns = LabelColumns {
        label: Some("split".to_owned()),
        ..LabelColumns::default()
    };
    let file = LabelFile::read(path, &columns).unwrap();
    let rows = file
        .rows()
        .map(|row| (row.key.to_owned(), row.class().unwrap().to_owned()));
    rows.collect()
}

#[test]
fn groups_stay_together_and_images_keep_their_splits() {
    for seed in 0..30 {
        let mut case = Case::new(seed);
        let options = case.options();
        let report = split(&options, &Silent).unwrap();
        let first = read(&options.output);
        assert_eq!(first.len(), 60);
        assert_eq!(report.n_kept, 0);
        case.check_together(&first);
        // The same images give the same file, without the first one.
        fs::remove_file(&options.output).unwrap();
        split(&options, &Silent).unwrap();
        assert_eq!(read(&options.output), first);
        case.add(60, 100);
        let report = split(&options, &Silent).unwrap();
        let second = read(&options.output);
        assert_eq!((second.len(), report.n_kept), (100, 60));
        assert!(first.iter().all(|(name, split)| second[name] == *split));
        // New images can show that two old groups belong together, which the report says.
        if report
            .notes
            .iter()
            .all(|note| !note.contains("belong together"))
        {
            case.check_together(&second);
        }
    }
}

/// The stated tolerance: a class has fewer images too many in a split than its largest group.
#[test]
fn each_class_has_its_shares() {
    for seed in 0..50 {
        let mut generator = order_generator(seed);
        let mut groups = Vec::new();
        for number in 0..80_u8 {
            let class = ["a", "b"][below(2, &mut generator)];
            let mut group = Group::new([number; 32]);
            for _ in 0..=below(5, &mut generator) {
                group.add(Some(class), None);
            }
            groups.push((class, group));
        }
        let fractions =
            [[0.8, 0.1, 0.1], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]][below(3, &mut generator)];
        let only: Vec<Group> = groups.iter().map(|(_, group)| group.clone()).collect();
        let splits = assign(&only, fractions, seed);
        for class in ["a", "b"] {
            let of_class = || {
                groups
                    .iter()
                    .zip(&splits)
                    .filter(|((of, _), _)| *of == class)
            };
            let all: usize = of_class().map(|((_, group), _)| group.size()).sum();
            let largest = of_class()
                .map(|((_, group), _)| group.size())
                .max()
                .unwrap();
            for (number, share) in fractions.iter().enumerate() {
                let there = of_class().filter(|(_, split)| **split == number);
                let there: usize = there.map(|((_, group), _)| group.size()).sum();
                let over = there as f64 - share * all as f64;
                assert!(over < largest as f64, "{over} of {largest}");
                assert!(*share > 0.0 || there == 0);
            }
        }
    }
}

#[test]
fn single_images_hit_the_shares_and_the_seed_decides_which() {
    let groups: Vec<Group> = (0..100)
        .map(|number| {
            let mut group = Group::new([number; 32]);
            group.add(Some("a"), None);
            group
        })
        .collect();
    let splits = assign(&groups, [0.8, 0.1, 0.1], 0);
    let count = |split| splits.iter().filter(|found| **found == split).count();
    assert_eq!([count(0), count(1), count(2)], [80, 10, 10]);
    assert_ne!(assign(&groups, [0.8, 0.1, 0.1], 1), splits);
}

#[test]
fn shares_that_are_none_are_refused() {
    for fractions in [[0.5, 0.5, 0.5], [1.2, -0.1, -0.1], [f64::NAN, 0.5, 0.5]] {
        let mut options = SplitOptions::new("none".into(), "-".into());
        options.fractions = fractions;
        let error = split(&options, &Silent).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Parameter {
                    name: "fractions",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn shares_that_earlier_splits_prevent_are_told() {
    let mut case = Case::new(0);
    split(&case.options(), &Silent).unwrap();
    case.add(60, 70);
    let mut options = case.options();
    let uneven = |report: &SplitReport| {
        let note = report.notes.iter().find(|note| note.contains("instead of"));
        note.cloned()
    };
    options.fractions = [0.4, 0.3, 0.3];
    let told = uneven(&split(&options, &Silent).unwrap()).unwrap();
    assert!(told.contains("instead of 40 %, 30 %, 30 %"), "{told}");
    options.output = case.folder.path().join("again.csv");
    assert_eq!(uneven(&split(&options, &Silent).unwrap()), None);
}
