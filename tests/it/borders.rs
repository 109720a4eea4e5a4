//! Module boundaries: a module imports only modules from the rows above its own, and each heavy crate has one
//! owner. Cargo's dependencies set the boundaries between the crates of the workspace; the other rules apply
//! to those crates too.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules from top to bottom; modules in the same row do not import each other.
const ROWS: &[&[&str]] = &[
    &["caught", "phrases", "texts", "visible", "words"],
    &["error"],
    &[
        "allocator",
        "inputs",
        "progress",
        "classes",
        "seal",
        "stamp",
        "threads",
    ],
    &["outputs"],
    &["lock"],
    &["images"],
    &["backbones"],
    &["features", "head"],
    &["classifier", "labels"],
    &["report"],
    &["tasks"],
    &["results"],
    &["http"],
    &["label", "serve"],
    &["cli"],
];

/// Crates with the only modules that may import them.
const OWNERS: &[(&str, &[&str])] = &[
    ("image", &["images"]),
    ("png", &["images"]),
    ("heifer_isobmff", &["images"]),
    ("heifer_hevc_dec", &["images"]),
    ("re_rav1d", &["images"]),
    ("jxl_oxide", &["images"]),
    ("libjpeg_turbo_rs", &["images"]),
    ("flate2", &["images"]),
    ("tar", &["images"]),
    ("unifont", &["images"]),
    ("ort", &["backbones"]),
    // An error stores that crate's own enum as the reason why a network was refused.
    ("frostline_onnx", &["backbones", "error"]),
    (
        "frostline_kernels",
        &["backbones", "frostline-onnx", "head", "images"],
    ),
    ("rten_onnx", &[]),
    ("zip", &["frostline-onnx", "tasks"]),
    ("ureq", &["backbones"]),
    ("arrow_array", &["features", "images", "labels"]),
    ("arrow_buffer", &["images"]),
    ("arrow_ipc", &["features", "images"]),
    ("arrow_schema", &["features", "images", "labels"]),
    ("arrow_select", &["features"]),
    ("flatbuffers", &["features"]),
    ("parquet", &["features", "images", "labels"]),
    ("safetensors", &["backbones", "frostline-onnx", "head"]),
    ("linfa", &["head", "label", "tasks"]),
    ("linfa_logistic", &["head"]),
    ("maud", &["report", "serve"]),
    ("chrono", &["tasks"]),
    ("rayon", &["head"]),
    ("sysinfo", &["tasks"]),
    ("rustix", &["backbones", "inputs", "outputs"]),
    ("base64", &["report", "serve"]),
    ("arc_swap", &["serve"]),
    ("axum", &["http", "label", "serve"]),
    ("http_body_util", &["http", "label", "serve"]),
    ("getrandom", &["label"]),
    ("hyper", &["http", "label", "serve"]),
    ("hyper_util", &["http", "label", "serve"]),
    ("metrics", &["serve"]),
    ("metrics_exporter_prometheus", &["serve"]),
    ("subtle", &["label", "serve"]),
    ("tokio", &["http", "images", "label", "serve"]),
    ("object_store", &["images"]),
    ("rustls", &["images"]),
    ("tower_http", &["http", "label", "serve"]),
    ("utoipa", &["http", "serve"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("indicatif", &["cli"]),
    ("anyhow", &["cli"]),
    ("unicode_width", &["cli"]),
    ("signal_hook", &["cli"]),
];

fn row(room: &str) -> usize {
    ROWS.iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("`{room}` is missing from `ROWS`"))
}

pub(crate) fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(source_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the source folder of each crate in the workspace.
pub(crate) fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let members = fs::read_dir(root.join("crates")).into_iter().flatten();
    let members = members.map(|member| member.unwrap().path().join("src"));
    std::iter::once(root.join("src")).chain(members).collect()
}

/// Returns `(module, file, text without comments and tests)` for each source file of the library, except
/// `lib.rs` and `main.rs`.
fn sources() -> Vec<(String, String, String)> {
    let sources = sources_in("src");
    assert!(sources.len() > 40, "the sources were not found");
    sources
}

/// Returns the same for all crates; the module of a file outside the library is its crate's folder.
fn all_sources() -> Vec<(String, String, String)> {
    let crates = sources_in("crates");
    assert!(crates.len() > 10, "the crates were not found");
    [sources(), crates].concat()
}

fn sources_in(folder: &str) -> Vec<(String, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut sources = Vec::new();
    for path in source_files(&src) {
        let relative = path.strip_prefix(&src).unwrap().to_owned();
        let first = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        let room = first.trim_end_matches(".rs").to_owned();
        if room == "lib" || room == "main" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        sources.push((room, relative.display().to_string(), code));
    }
    sources
}

/// Whether `code` contains `name::` as a separate word.
fn mentions(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    })
}

#[test]
fn a_room_imports_only_rooms_above() {
    for (room, file, code) in sources() {
        for below in ROWS
            .iter()
            .flat_map(|rooms| rooms.iter())
            .filter(|other| **other != room)
        {
            let path = format!("crate::{below}");
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let mut found = code.match_indices(&path);
            let imported = found.any(|(at, _)| !code[at + path.len()..].starts_with(is_name));
            assert!(
                row(below) < row(&room) || !imported,
                "{file} imports `{below}`, which is not above `{room}`"
            );
        }
    }
}

#[test]
fn a_heavy_crate_has_one_owner() {
    for (room, file, code) in all_sources() {
        for (name, owners) in OWNERS {
            assert!(
                owners.contains(&room.as_str()) || is_test(&file) || !mentions(&code, name),
                "{file} imports `{name}`, which belongs to {owners:?}"
            );
        }
    }
}

#[test]
fn the_library_does_not_exit() {
    for (room, file, code) in all_sources() {
        assert!(room == "cli" || !code.contains("process::exit"), "{file}");
    }
}

/// Code that prints; it is allowed only in `cli::terminal`, for people, and in `outputs`, for data.
const PRINTING: &[&str] = &[
    "println!",
    "print!(",
    "eprint",
    "dbg!",
    "stdout()",
    "stderr()",
    "Term::",
    ".println(",
];
const DOORS: &[&str] = &["cli/terminal.rs", "outputs/write.rs", "outputs/place.rs"];

#[test]
fn one_module_prints() {
    for (_, file, code) in all_sources() {
        for word in PRINTING {
            assert!(
                DOORS.contains(&&*file) || !code.contains(word),
                "{file} has `{word}`: print through `cli::terminal` or `outputs`"
            );
        }
    }
}

/// Text for people is escaped when it is printed, and table cells when they are made; nothing else in `cli`
/// escapes.
#[test]
fn the_command_line_escapes_in_one_place() {
    let doors = ["cli/terminal.rs", "cli/cells.rs"];
    for (room, file, code) in sources() {
        let escapes = room == "cli" && code.contains("for_terminal");
        assert!(!escapes || doors.contains(&&*file), "{file}");
    }
}

/// Code that opens files for reading; it is allowed only in `inputs` and `outputs`.
const READING: &[&str] = &[
    "File::open",
    "fs::read(",
    "fs::read_to_string(",
    "File::options()",
    "OpenOptions",
];

#[test]
fn files_are_opened_in_one_place() {
    for (room, file, code) in all_sources() {
        let allowed = ["inputs", "outputs"].contains(&&*room);
        if allowed || is_test(&file) {
            continue;
        }
        for word in READING {
            assert!(
                !code.contains(word),
                "{file} has `{word}`: read through `inputs`"
            );
        }
    }
}

/// Whether a file belongs to tests or to their samples.
fn is_test(file: &str) -> bool {
    let parts = Path::new(file).with_extension("");
    let mut parts = parts.iter();
    parts.any(|part| part == "tests" || part == "sample")
}

/// Code that writes or creates files; it is allowed only in `outputs`.
const WRITING: &[&str] = &[
    "fs::write(",
    "fs::copy(",
    "File::create",
    ".write(true)",
    ".append(true)",
    ".create(true)",
    ".create_new(true)",
    "tempfile::",
];

#[test]
fn files_are_written_in_one_place() {
    for (room, file, code) in all_sources() {
        if room == "outputs" || is_test(&file) {
            continue;
        }
        for word in WRITING {
            assert!(
                !code.contains(word),
                "{file} has `{word}`: write through `outputs`"
            );
        }
    }
}

/// Longer lines are hard to read, and rustfmt does not wrap comments and strings.
#[test]
fn lines_are_at_most_110_columns_wide() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let others = ["tests", "examples", "benches", "fuzz/src"].map(|folder| root.join(folder));
    for folder in crates().iter().chain(&others) {
        for path in source_files(folder) {
            for (line, text) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                let width = text.chars().count();
                assert!(
                    width <= 110,
                    "{}:{}: {width} columns",
                    path.display(),
                    line + 1
                );
            }
        }
    }
}
