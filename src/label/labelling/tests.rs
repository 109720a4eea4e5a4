//! Sessions that end at any moment and begin again.
//!
//! The label file may be behind after a deed, where the disk is slow; tests that read it write it before.

use std::fs;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::*;

const NAMES: [&str; 7] = [
    "a.jpg",
    "b.jpg",
    "c c.jpg",
    "d,d.jpg",
    "e\"e.jpg",
    "=f.jpg",
    "g/\\xff.jpg",
];
const CLASSES: [&str; 5] = ["cat", "dog", "unknown", "skipped", "<b>=1,\"x\"</b>"];

fn open(folder: &Path, start: Start) -> (Labelling, Vec<String>) {
    let path = folder.join("labels.csv");
    let journal = Journal::open(&journal_of(&path), &path).unwrap();
    Labelling::open(&path, journal, NAMES.into_iter(), start).unwrap()
}

fn begin(folder: &Path) -> Labelling {
    open(folder, Start::default()).0
}

/// For each image its label, and whether it is left out or confirmed; the classes; what undo takes back.
type Shown = (
    Vec<(Option<String>, bool, bool)>,
    Vec<String>,
    Option<String>,
);

/// Returns everything that a page shows of the labels.
fn shown(labelling: &Labelling) -> Shown {
    let tags = &labelling.history.tags;
    let of = |image: u32| {
        let tag = tags.get(image);
        (
            tags.label(image).map(str::to_owned),
            tag.mark == Mark::LeftOut,
            tag.kept,
        )
    };
    let classes = tags
        .classes()
        .iter()
        .map(|&class| tags.name(class).to_owned());
    (
        (0..tags.len() as u32).map(of).collect(),
        classes.collect(),
        labelling.history.undo_said().map(str::to_owned),
    )
}

fn some_deed(random: &mut Xoshiro256PlusPlus) -> Deed<u32> {
    let mut below = |n: usize| (random.next_u64() % n as u64) as usize;
    let images: Vec<u32> = (0..=below(3)).map(|_| below(NAMES.len()) as u32).collect();
    let mut class = || CLASSES[below(CLASSES.len())].to_owned();
    let (one, other) = (class(), class());
    match below(9) {
        0..3 => Deed::Label { images, class: one },
        3 => Deed::LeaveOut { images },
        4 => Deed::Clear { images },
        5 => Deed::Keep { images },
        6 => Deed::RenameClass {
            from: one,
            to: other,
        },
        7 => Deed::Undo,
        _ => Deed::Redo,
    }
}

/// Some deeds are impossible, such as undoing nothing; they change nothing.
#[test]
fn whatever_was_done_is_there_after_any_end_and_can_all_be_undone() {
    for seed in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut labelling = begin(folder.path());
        let at_first = shown(&labelling);
        for _ in 0..60 {
            let before = shown(&labelling);
            let done = labelling.act(some_deed(&mut random));
            assert!(done.is_ok() || shown(&labelling) == before);
            if random.next_u64() % 8 == 0 {
                let before = shown(&labelling);
                // Without any end: what is in memory is lost.
                drop(labelling);
                labelling = begin(folder.path());
                assert_eq!(shown(&labelling), before, "seed {seed}");
            }
        }
        labelling.write().unwrap();
        let rows = read_labels(&labelling.path, NAMES.into_iter())
            .unwrap()
            .unwrap();
        let tags = &labelling.history.tags;
        let labelled = (0..NAMES.len()).filter_map(|i| {
            let label = tags.label(i as u32)?;
            Some((NAMES[i].to_owned(), label.to_owned()))
        });
        assert_eq!(rows, labelled.collect::<Vec<_>>(), "seed {seed}");
        while labelling.history.undo_said().is_some() {
            labelling.act(Deed::Undo).unwrap();
        }
        assert_eq!(shown(&labelling), at_first, "seed {seed}");
    }
}

fn label(images: &[u32], class: &str) -> Deed<u32> {
    Deed::Label {
        images: images.to_vec(),
        class: class.to_owned(),
    }
}

#[test]
fn what_another_program_changed_in_the_file_wins_and_can_be_undone() {
    let folder = tempfile::tempdir().unwrap();
    let mut labelling = begin(folder.path());
    labelling.act(label(&[0, 1], "cat")).unwrap();
    labelling.act(label(&[2], "dog")).unwrap();
    labelling.act(Deed::LeaveOut { images: vec![4] }).unwrap();
    labelling.write().unwrap();
    let path = labelling.path.clone();
    drop(labelling);
    // Excel's way: one label changed, one row gone, one new.
    fs::write(
        &path,
        "\u{feff}path;label\r\na.jpg;cow\r\nc c.jpg;dog\r\n\"d,d.jpg\";dog\r\n",
    )
    .unwrap();
    let (mut labelling, notes) = open(folder.path(), Start::default());
    assert!(notes[0].starts_with("3 labels changed in `"), "{notes:?}");
    let labels = |labelling: &Labelling| -> Vec<Option<String>> {
        shown(labelling)
            .0
            .into_iter()
            .take(5)
            .map(|(label, ..)| label)
            .collect()
    };
    let text = |labels: [&str; 5]| {
        labels
            .map(|l| (!l.is_empty()).then(|| l.to_owned()))
            .to_vec()
    };
    assert_eq!(labels(&labelling), text(["cow", "", "dog", "dog", ""]));
    assert_eq!(labelling.history.tags.get(4).mark, Mark::LeftOut);
    labelling.act(Deed::Undo).unwrap();
    assert_eq!(labels(&labelling), text(["cat", "cat", "dog", "", ""]));
    drop(labelling);
    assert!(open(folder.path(), Start::default()).1.is_empty());
}

/// A process that is killed after the journal and before the label file is written.
#[test]
fn a_label_file_that_is_behind_is_not_taken_for_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut labelling = begin(folder.path());
    labelling.act(label(&[0], "cat")).unwrap();
    let (path, old) = (labelling.path.clone(), fs::read(&labelling.path).unwrap());
    labelling.took = QUICK;
    labelling.act(label(&[1], "cat")).unwrap();
    assert!(labelling.is_behind && fs::read(&path).unwrap() == old);
    drop(labelling);
    let (labelling, notes) = open(folder.path(), Start::default());
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(labelling.history.tags.n_labelled(), 2);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
}

#[test]
fn labels_of_images_that_are_gone_stay_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    fs::write(&path, "path,label\ngone.jpg,cat\na.jpg,dog\n").unwrap();
    let (mut labelling, notes) = open(folder.path(), Start::default());
    assert!(
        notes[0].starts_with("1 label in `") && notes[0].contains("`gone.jpg`"),
        "{notes:?}"
    );
    assert_eq!(labelling.history.tags.n_labelled(), 1);
    labelling.act(label(&[0], "cow")).unwrap();
    labelling.write().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "path,label\na.jpg,cow\ngone.jpg,cat\n");
}

#[test]
fn folders_and_classes_are_what_a_session_begins_with() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Start {
        classes: vec!["dog".to_owned()],
        folders: vec![("a.jpg".to_owned(), "cat".to_owned())],
    };
    let (labelling, _) = open(folder.path(), start());
    let first = shown(&labelling);
    assert_eq!(first.1, ["dog", "cat"]);
    assert_eq!((first.0[0].0.as_deref(), first.2), (Some("cat"), None));
    drop(labelling);
    let more = Start {
        classes: vec!["cow".to_owned()],
        ..start()
    };
    let (labelling, _) = open(folder.path(), more);
    assert_eq!(shown(&labelling).1, ["dog", "cat", "cow"]);
}

#[test]
fn a_file_with_more_than_labels_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    for content in [
        "path,label,note\na.jpg,cat,x\n",
        "digest,label\n",
        "path,label\na.jpg,a\u{7}b\n",
    ] {
        fs::write(&path, content).unwrap();
        let journal = Journal::open(&journal_of(&path), &path).unwrap();
        let opened = Labelling::open(&path, journal, NAMES.into_iter(), Start::default());
        assert!(opened.is_err(), "{content:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}
