//! The page of `frostline label` in a real browser, with the real service.

mod classes;
mod clothing;
mod connection;
mod keyboard;
mod latency;
mod looks;
mod many;
mod pointer;
mod views;

use std::fs;
use std::path::Path;

use crate::harness::{Labelling, Person, Place};

/// Starts a session on `n` images of each of two classes whose features are known, and opens its page; `None`
/// if the browser or ONNX Runtime is missing.
fn session(n: u32) -> Option<(Place, Labelling, Person)> {
    let place = Place::installed()?;
    two_classes(&place, n);
    let labelling = Labelling::start(&place, "");
    let person = Person::at(&labelling)?;
    person.sees("return document.getElementById('work').hidden");
    person.sees("return document.activeElement.classList.contains('tile')");
    Some((place, labelling, person))
}

/// Writes `images/{blue,red}/{00…}.ppm`, `n` images per class.
fn two_classes(place: &Place, n: u32) {
    for class in ["blue", "red"] {
        for i in 0..n {
            let file = place.folder().join(format!("images/{class}/{i:02}.ppm"));
            write_pattern(&file, class, &format!("{class} {i}"), 8);
        }
    }
}

/// Writes a picture of `side` × `side` pixels: the pattern of its class, and as much noise of its own. Two
/// pictures of a class are similar, but no near-duplicates.
fn write_pattern(file: &Path, class: &str, seed: &str, side: usize) {
    let bytes = |seed: &str| {
        let mut bytes = vec![0; side * side * 3];
        blake3::Hasher::new()
            .update(seed.as_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    };
    let mixed = bytes(class).into_iter().zip(bytes(seed));
    let mixed: Vec<u8> = mixed
        .map(|(pattern, noise)| pattern / 2 + noise / 2)
        .collect();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let header = format!("P6 {side} {side} 255\n");
    fs::write(file, [header.as_bytes(), &mixed].concat()).unwrap();
}

/// Returns the class of the image in focus, which is its folder.
fn truth(person: &Person) -> String {
    let focus = person.focus();
    let folder = focus.split('/').next();
    folder.unwrap_or_default().to_owned()
}

/// Returns rows of a label file.
fn rows<'r>(rows: impl IntoIterator<Item = (&'r str, &'r str)>) -> Vec<(String, String)> {
    let rows = rows.into_iter();
    rows.map(|(path, class)| (path.to_owned(), class.to_owned()))
        .collect()
}

/// Returns the rows of images `0` to `n` of a folder with the label of the folder.
fn of_folder(folder: &str, n: u32) -> Vec<(String, String)> {
    (0..n)
        .map(|i| (format!("{folder}/{i:02}.ppm"), folder.to_owned()))
        .collect()
}

/// Returns the path of the image in focus.
fn path(person: &Person) -> String {
    let focus = person.focus();
    focus.split(", ").next().unwrap_or_default().to_owned()
}
