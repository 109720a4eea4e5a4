//! A person who uses the page of `frostline label`.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::browser::Browser;
use super::fixtures::Place;
use super::labelling::Labelling;
use super::server::wait_for;

/// A person at the page.
pub(crate) struct Person(pub(crate) Browser);

impl Person {
    /// Opens the page; waits until it shows images.
    pub(crate) fn at(labelling: &Labelling) -> Option<Self> {
        let person = Self(Browser::start()?);
        person.0.resize(1280, 800);
        person.open(labelling, "");
        Some(person)
    }

    /// Opens a view.
    pub(crate) fn open(&self, labelling: &Labelling, view: &str) {
        self.0.go("about:blank");
        self.0.go(&format!("{}#{view}", labelling.page()));
        self.sees("return document.getElementById('tally').textContent !== ''");
    }

    /// Waits until JavaScript returns `true`.
    #[track_caller]
    pub(crate) fn sees(&self, script: &str) {
        let seen = wait_for(|| (self.0.js(script) == true).then_some(()));
        let page = || self.0.js("return document.body.innerText");
        assert!(seen.is_some(), "{script}\n{}", page());
    }

    /// Waits until the page takes keys: it ignores them just after an order that nobody asked for.
    pub(crate) fn takes_keys(&self) {
        thread::sleep(Duration::from_secs(2));
        self.is_done();
    }

    /// Waits up to ten minutes until JavaScript returns `true`.
    #[track_caller]
    pub(crate) fn sees_within_minutes(&self, script: &str) {
        let seen =
            (0..10).any(|_| wait_for(|| (self.0.js(script) == true).then_some(())).is_some());
        assert!(seen, "{script}");
    }

    /// Waits until the text of an element contains these words.
    #[track_caller]
    pub(crate) fn reads(&self, selector: &str, words: &str) {
        let text = || self.text(selector);
        let seen = wait_for(|| text().contains(words).then_some(()));
        assert!(seen.is_some(), "`{words}` instead of `{}`", text());
    }

    /// Returns the text of the first element.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.0.js(&format!(
            "return document.querySelector({})?.textContent ?? ''",
            Value::from(selector)
        ));
        // A space marks a text that was said before.
        text.as_str().unwrap().trim_end_matches('\u{a0}').to_owned()
    }

    /// Presses keys one after another, and waits until what they do is done.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.0.press(keys);
        self.is_done();
    }

    /// Presses keys at the same time.
    pub(crate) fn chord(&self, keys: &[&str]) {
        self.0.chord(keys);
        self.is_done();
    }

    pub(crate) fn is_done(&self) {
        self.sees("return document.getElementById('main').ariaBusy !== 'true'");
    }

    /// Types the name of a class for what is selected or in focus.
    pub(crate) fn classifies(&self, class: &str) {
        self.0.press(&["c"]);
        let letters: Vec<String> = class.chars().map(String::from).collect();
        self.0
            .press(&letters.iter().map(|letter| &**letter).collect::<Vec<_>>());
        self.press(&[super::ENTER]);
    }

    /// Returns what a screen reader says of the element in focus.
    pub(crate) fn focus(&self) -> String {
        let label = self
            .0
            .js("return document.activeElement.ariaLabel ?? document.activeElement.textContent");
        label.as_str().unwrap_or_default().to_owned()
    }

    /// Checks that the console is silent, and that the page has asked nobody but its service.
    #[track_caller]
    pub(crate) fn was_not_disturbed(&self, labelling: &Labelling) {
        assert_eq!(self.0.complaints(), [""; 0]);
        let (page, origin) = (labelling.page(), format!("blob:http://{}/", labelling.host));
        let own = |url: &String| url.starts_with(&page) || url.starts_with(&origin);
        let foreign: Vec<String> = self
            .0
            .requests()
            .into_iter()
            .filter(|url| !own(url))
            .collect();
        assert_eq!(foreign, [""; 0]);
    }
}

/// Waits until these are the labels in the file: the class of each path, in any order. The file may follow
/// the journal with a short delay.
#[track_caller]
pub(crate) fn has_labels(place: &Place, wanted: &[(String, String)]) {
    let mut wanted = wanted.to_vec();
    wanted.sort();
    let kept = || {
        let mut kept = labels(place);
        kept.sort();
        kept
    };
    let same = wait_for(|| (kept() == wanted).then_some(()));
    assert!(same.is_some(), "{:?} instead of {wanted:?}", kept());
}

/// Reads a label file: the class of each path.
fn labels(place: &Place) -> Vec<(String, String)> {
    let Ok(mut rows) = csv::Reader::from_path(place.path("labels.csv")) else {
        return Vec::new();
    };
    let rows = rows.records().map(|row| {
        let row = row.unwrap();
        (row[0].to_owned(), row[1].to_owned())
    });
    rows.collect()
}
