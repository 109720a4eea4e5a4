//! A person's session on real images: from no labels to a classifier, by the keyboard alone.

use std::path::Path;

use serde_json::Value;

use crate::harness::{ENTER, Labelling, Person, Place, frostline, has_labels, shared_data};

use super::{path, truth};

const LABELS: usize = 150;
/// What 150 labels must reach on the validation set.
const ENOUGH: f64 = 0.75;

#[test]
#[ignore = "minutes without optimisation"]
fn a_session_by_keyboard_reaches_three_quarters_with_150_labels() {
    let Some(data) = shared_data("clothing10") else {
        return;
    };
    let place = Place::empty();
    let train = data.join("train");
    let labelling = start(&place, &train);
    let Some(person) = Person::at(&labelling) else {
        return;
    };
    person.sees_within_minutes("return document.getElementById('work').hidden");
    person.sees("return document.activeElement.classList.contains('tile')");
    let given = label(&person);
    person.was_not_disturbed(&labelling);
    labelling.kill();

    // The next session has all labels that were acknowledged, and what was done can still be taken back.
    let labelling = start(&place, &train);
    has_labels(&place, &given);
    person.open(&labelling, "sort");
    person.sees("return document.activeElement.classList.contains('tile')");
    person.sees_within_minutes("return document.getElementById('work').hidden");
    // The page of the killed session has lost its connection.
    person.0.complaints();
    person.0.requests();
    person.press(&["u"]);
    person.reads("#tally", &format!("{} of 926", LABELS - 1));
    person.press(&["U"]);
    person.reads("#tally", &format!("{LABELS} of 926"));
    finish(&person);
    person.was_not_disturbed(&labelling);

    let head = place.path("head.safetensors");
    let reached = accuracy(&place, &data, &head);
    let random = random_order(&place, &data);
    eprintln!(
        "accuracy on the validation set: {reached:.4} in the page's order, {random:.4} in random order"
    );
    assert!(reached >= ENOUGH, "{reached}");
}

fn start(place: &Place, train: &Path) -> Labelling {
    let mut command = crate::harness::command([
        "label",
        train.to_str().unwrap(),
        "--labels",
        &place.path("labels.csv"),
        "--features",
        &place.path("features"),
    ]);
    Labelling::of(command.current_dir(place.folder()))
}

/// Goes round the groups, and labels the image that each asks for first.
fn label(person: &Person) -> Vec<(String, String)> {
    let mut given = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    while given.len() < LABELS {
        person.press(&["n"]);
        let (image, class) = (path(person), truth(person));
        match keys.iter().position(|known| *known == class) {
            Some(key) if key < 9 => person.press(&[&(key + 1).to_string()]),
            known => {
                if known.is_none() {
                    keys.push(class.clone());
                }
                person.classifies(&class);
            }
        }
        given.push((image, class));
        person.reads("#tally", &format!("{} of 926", given.len()));
    }
    given
}

/// Goes to the last view with the tabulator, and writes the files.
fn finish(person: &Person) {
    person
        .0
        .js("document.querySelector('nav a[href=\"#finish\"]').focus()");
    person.press(&[ENTER]);
    person.sees("return location.hash === '#finish'");
    person.0.js("document.getElementById('write').focus()");
    person.press(&[ENTER]);
    person.sees_within_minutes("return document.getElementById('written') !== null");
}

/// Returns the accuracy of a head on the validation set.
fn accuracy(place: &Place, data: &Path, head: &str) -> f64 {
    let store = place.path("validation-features");
    let images = data.join("validation");
    frostline(["extract", images.to_str().unwrap(), "-o", &store]).exits(0);
    let ran = frostline(["evaluate", &store, "--head", head, "--format", "json"]).exits(0);
    let evaluation: Value = serde_json::from_str(&ran.out).unwrap();
    evaluation["top1_accuracy"].as_f64().unwrap()
}

/// Returns the accuracy with as many labels of images drawn at random: the mean of three draws.
fn random_order(place: &Place, data: &Path) -> f64 {
    let mut images: Vec<String> = Vec::new();
    for class in std::fs::read_dir(data.join("train")).unwrap() {
        let class = class.unwrap();
        let name = class.file_name().into_string().unwrap();
        let files = std::fs::read_dir(class.path()).unwrap();
        images.extend(files.map(|file| {
            format!(
                "{name}/{}",
                file.unwrap().file_name().into_string().unwrap()
            )
        }));
    }
    let draws = [1u64, 2, 3].map(|seed| {
        // An order by a hash of the name is as good as a random one.
        images.sort_by_key(|name| *blake3::hash(format!("{seed} {name}").as_bytes()).as_bytes());
        let rows = images[..LABELS]
            .iter()
            .map(|name| format!("{name},{}\n", name.split('/').next().unwrap()));
        let file = place.path("random.csv");
        std::fs::write(&file, format!("path,label\n{}", rows.collect::<String>())).unwrap();
        let head = place.path(&format!("random-{seed}.safetensors"));
        let store = place.path("features");
        let solver = ["--solver", "lbfgs"];
        frostline(
            [
                ["fit-head", &store],
                ["--labels", &file],
                solver,
                ["-o", &head],
            ]
            .concat(),
        )
        .exits(0);
        accuracy(place, data, &head)
    });
    draws.iter().sum::<f64>() / 3.0
}
