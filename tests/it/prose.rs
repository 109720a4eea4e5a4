//! README and `docs/`: their links lead somewhere, the options they mention exist, and no text of the project
//! uses phrases that a reader would have to decode.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::borders::source_files;
use crate::help::commands;

/// Phrases that were replaced once and should not come back, in lower case.
const STILTED: &[&str] = &[
    "a name of its own for each",
    "are held to",
    "are said",
    "as ever",
    "as sure as they are right",
    "beyond chance",
    "but for",
    "by both",
    "called so are",
    "cannot be fetched by itself",
    "cannot go on from",
    "could be images",
    "could not be used: their",
    "counted all the same",
    "ends at its line",
    "equal and nearly equal",
    "features were known",
    "given on as it is",
    "held against",
    "hold a head against",
    "hold against",
    "in a new store",
    "is no gift",
    "is said",
    "its `format` is another",
    "look for what is missing",
    "made anew",
    "may be chance",
    "most worth a label",
    "near copies",
    "nearly equal",
    "no entry of the gradient",
    "no numbers",
    "not numbers",
    "of ours",
    "quite another thing",
    "rosy",
    "says what mends",
    "so would be",
    "strict mode allows none",
    "taken for what",
    "there are no validation figures",
    "told apart",
    "turned round",
    "what mends it",
    "where that is missing",
    "without a word",
    "without chance",
    "wrong usage",
];

/// Options of cargo, pip and the examples.
const FOREIGN_OPTIONS: &[&str] = &[
    "--all",
    "--array",
    "--bench",
    "--env",
    "--example",
    "--features",
    "--gres",
    "--joblog",
    "--no-default-features",
    "--open",
    "--path",
    "--release",
    "--retries",
    "--sshlogin",
    "--test",
    "--wait",
    "--workdir",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_in(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    paths.sort();
    paths
}

/// README and the pages of `docs/`, as `(name, text)`.
pub(crate) fn documents() -> Vec<(String, String)> {
    let mut paths = files_in("docs", "md");
    paths.insert(0, root().join("README.md"));
    let named = |path: &PathBuf| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    };
    paths.iter().map(named).collect()
}

/// The text with fenced blocks left out.
fn without_blocks(text: &str) -> String {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// The anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

/// Why a link leads nowhere.
fn broken(from: &Path, link: &str) -> Option<String> {
    let (file, wanted) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => from.to_owned(),
        file => from.parent().unwrap().join(file),
    };
    if !target.exists() {
        return Some(format!("{}: there is no `{file}`", from.display()));
    }
    if wanted.is_empty() {
        return None;
    }
    let text = fs::read_to_string(&target).unwrap();
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    let found = headings.any(|heading| anchor(heading) == wanted);
    (!found).then(|| format!("{}: `{link}` has no such heading", from.display()))
}

#[test]
fn links_lead_somewhere() {
    let mut paths = [
        files_in(".", "md"),
        files_in("docs", "md"),
        files_in("data", "md"),
    ]
    .concat();
    paths.retain(|path| path.is_file());
    let mut n_links = 0;
    let mut faults = Vec::new();
    for path in paths {
        let text = without_blocks(&fs::read_to_string(&path).unwrap());
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.starts_with("http") {
                continue;
            }
            n_links += 1;
            faults.extend(broken(&path, link));
        }
    }
    assert!(n_links > 30, "only {n_links} links were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The words that start with two hyphens.
fn options(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = text
        .match_indices("--")
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '-'));
    starts
        .map(|(at, _)| {
            let rest = &text[at..];
            rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())].to_owned()
        })
        .filter(|option| option.len() > 2 && !option.starts_with("---"))
        .collect()
}

#[test]
fn options_in_documents_exist() {
    let mut known: BTreeSet<_> = commands().iter().flat_map(|c| options(&c.help)).collect();
    assert!(known.len() > 80, "only {} options were found", known.len());
    for script in files_in("scripts", "sh") {
        known.extend(options(&fs::read_to_string(script).unwrap()));
    }
    known.extend(FOREIGN_OPTIONS.iter().map(|&option| option.to_owned()));
    let mut faults = Vec::new();
    for (name, text) in documents() {
        let unknown = options(&text).into_iter().filter(|o| !known.contains(o));
        faults.extend(unknown.map(|option| format!("{name}: {option}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// All files with text of the project's own.
fn texts() -> Vec<PathBuf> {
    let mut texts = Vec::new();
    for folder in ["src", "crates", "tests", "examples", "benches"] {
        texts.extend(source_files(&root().join(folder)));
    }
    for (folder, extension) in [
        (".", "md"),
        ("docs", "md"),
        ("data", "md"),
        ("models", "toml"),
        ("scripts", "sh"),
        ("scripts", "py"),
        ("tests/cli", "toml"),
    ] {
        texts.extend(files_in(folder, extension));
    }
    texts.retain(|path| !path.ends_with("tests/it/prose.rs"));
    texts
}

/// The words of a text with single spaces between them and without the marks of comments, so that a phrase is
/// found that goes over two lines.
fn flowing(text: &str) -> String {
    let words = text.split_whitespace();
    let words = words.filter(|word| !matches!(*word, "//" | "///" | "//!" | "#" | "\\"));
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

#[test]
fn no_text_uses_a_stilted_phrase() {
    let texts = texts();
    assert!(texts.len() > 300, "only {} files were found", texts.len());
    let mut faults = Vec::new();
    for path in texts {
        let text = flowing(&fs::read_to_string(&path).unwrap());
        for phrase in STILTED.iter().filter(|phrase| text.contains(**phrase)) {
            faults.push(format!("{}: {phrase}", path.display()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
