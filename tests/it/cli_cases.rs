//! Runs the cases in `tests/cli/*.toml`: the files a command starts from, its arguments, and the expected
//! results.

mod given;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use self::given::Given;
use crate::harness::{Place, Ran, Tree, home, installed_home, tree};
use crate::hostile_text::is_hostile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// One case; in each text, `{dir}` stands for the case's own folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    name: String,
    #[serde(default)]
    given: Vec<Given>,
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    stdin: String,
    exit: i32,
    #[serde(default)]
    stdout: Expected,
    #[serde(default)]
    stderr: Expected,
    /// Files whose content must not change.
    #[serde(default)]
    unchanged: Vec<String>,
    /// Files or folders that must exist afterwards.
    #[serde(default)]
    made: Vec<String>,
    /// Files or folders that must not exist afterwards.
    #[serde(default)]
    absent: Vec<String>,
}

/// The expected content of a stream.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    /// Number of lines.
    lines: Option<usize>,
}

impl Case {
    /// Creates the folder; `None` if the case cannot run on this machine.
    fn place(&self) -> Option<Place> {
        let given = |wanted| self.given.contains(&wanted);
        match () {
            () if given(Given::Fitted) => Place::fitted(),
            () if given(Given::Installed) => Place::installed(),
            () if given(Given::SetUp) => installed_home().map(|_| Place::empty()),
            () => Some(Place::empty()),
        }
    }

    /// Runs the case and returns everything that is wrong.
    fn faults(&self) -> Vec<String> {
        let Some(place) = self.place() else {
            return Vec::new();
        };
        self.given
            .iter()
            .for_each(|given| given.make(place.folder()));
        let before = tree(place.folder());
        let ran = self.run(&place);
        let mut faults = self.stream_faults(&ran, &place);
        faults.extend(self.file_faults(&before, &place));
        if ran.code != self.exit {
            faults.push(format!("exit code {}, not {}", ran.code, self.exit));
        }
        if !faults.is_empty() {
            let Ran { out, err, .. } = ran;
            faults.push(format!("standard output:\n{out}\nstandard error:\n{err}"));
        }
        faults
    }

    /// Checks the files afterwards; images must never change.
    fn file_faults(&self, before: &Tree, place: &Place) -> Vec<String> {
        let after = tree(place.folder());
        let images = before.keys().filter(|name| name.starts_with("images"));
        let kept = self.unchanged.iter().map(Path::new);
        let kept = kept.chain(images.map(PathBuf::as_path));
        let changed = kept.filter(|name| {
            let [was, is] = [before, &after].map(|files| files.get(*name));
            was.is_none() || was != is
        });
        let changed = changed.map(|name| format!("`{}` has changed or is missing", name.display()));
        let there = |name: &&String| place.folder().join(name).exists();
        let missing = self.made.iter().filter(|name| !there(name));
        let missing = missing.map(|name| format!("`{name}` is missing"));
        let extra = self.absent.iter().filter(there);
        let extra = extra.map(|name| format!("`{name}` is there"));
        changed.chain(missing).chain(extra).collect()
    }

    fn run(&self, place: &Place) -> Ran {
        let mut command = place.command_of(&self.args);
        if self.given.contains(&Given::SetUp) {
            command.env("FROSTLINE_HOME", home());
        }
        let variables = self
            .env
            .iter()
            .map(|(name, value)| (name, place.fill(value)));
        command.envs(variables);
        let streams = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        // A command that does not read its input may have exited by now.
        let _ = child
            .stdin
            .take()
            .unwrap()
            .write_all(place.fill(&self.stdin).as_bytes());
        Ran::of(child.wait_with_output().unwrap())
    }

    fn stream_faults(&self, ran: &Ran, place: &Place) -> Vec<String> {
        let streams = [
            ("standard output", &self.stdout, &ran.out),
            ("standard error", &self.stderr, &ran.err),
        ];
        let mut faults = Vec::new();
        for (name, expected, text) in streams {
            let holds = |word: &&String| text.contains(&place.fill(word));
            faults.extend(
                expected
                    .has
                    .iter()
                    .filter(|word| !holds(word))
                    .map(|word| format!("{name} lacks `{word}`")),
            );
            faults.extend(
                expected
                    .lacks
                    .iter()
                    .filter(holds)
                    .map(|word| format!("{name} contains `{word}`")),
            );
            let lines = text.lines().count();
            if expected.lines.is_some_and(|wanted| wanted != lines) {
                faults.push(format!("{name} has {lines} lines"));
            }
            if text.chars().any(is_hostile) {
                faults.push(format!("{name} contains control characters"));
            }
        }
        faults
    }
}

fn run_file(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli")
        .join(name);
    let text = fs::read_to_string(&path).unwrap();
    let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let faults: Vec<String> = file
        .case
        .iter()
        .map(|case| (case, case.faults()))
        .filter(|(_, faults)| !faults.is_empty())
        .map(|(case, faults)| format!("{name}, {}: {}", case.name, faults.join("\n")))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Defines one test per file of cases, and a test that every file is listed.
macro_rules! files {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            run_file(concat!(stringify!($name), ".toml"));
        })*

        #[test]
        fn every_file_is_run() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
            let entries = fs::read_dir(folder).unwrap();
            let mut found: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            found.sort();
            assert_eq!(found, [$(concat!(stringify!($name), ".toml")),*]);
        }
    };
}

files!(
    classify, doctor, evaluate, extract, features, fit_head, inspect, label, labels, models,
    report, suggest, usage
);
