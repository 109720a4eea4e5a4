//! The page of `frostline label` in a real browser, with the real service.

mod classes;
mod clothing;
mod connection;
mod keyboard;
mod latency;
mod looks;
mod many;
mod phone;
mod pointer;
mod shown;
mod views;

use crate::harness::{Labelling, Person, Place, two_patterns};

/// Starts a session on `n` images of each of two classes whose features are known, and opens its page; `None`
/// if the browser or ONNX Runtime is missing.
fn session(n: u32) -> Option<(Place, Labelling, Person)> {
    let place = Place::installed()?;
    two_patterns(&place.folder().join("images"), n);
    let labelling = Labelling::start(&place, "");
    let person = Person::at(&labelling)?;
    person.sees("return document.getElementById('work').hidden");
    person.sees("return document.activeElement.classList.contains('tile')");
    Some((place, labelling, person))
}

/// Gives all images of a session the class of their folder.
fn label_all(labelling: &Labelling, n: u32) {
    for (class, first) in [("blue", 0), ("red", n)] {
        let ids: Vec<u64> = (first..first + n).map(u64::from).collect();
        labelling.label(&ids, class);
    }
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
