//! The rooms of the library: a module imports only modules of the rows above its own, and each heavy crate
//! has one owner. Between the crates of the workspace, Cargo's dependencies are the borders; the other rules
//! hold in them as well.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from top to bottom; those of one row do not know each other.
const ROWS: &[&[&str]] = &[
    &["caught", "phrases", "visible", "words"],
    &["error"],
    &["inputs", "progress", "classes", "seal", "stamp"],
    &["outputs"],
    &["lock"],
    &["images"],
    &["backbones"],
    &["features", "head"],
    &["classifier"],
    &["report"],
    &["tasks"],
    &["cli"],
];

/// Crates with the only rooms that may import them.
const OWNERS: &[(&str, &[&str])] = &[
    ("image", &["images"]),
    ("png", &["images"]),
    ("heifer_isobmff", &["images"]),
    ("heifer_hevc_dec", &["images"]),
    ("re_rav1d", &["images"]),
    ("jxl_oxide", &["images"]),
    ("libjpeg_turbo_rs", &["images"]),
    ("unifont", &["images"]),
    ("ort", &["backbones"]),
    // An error keeps why that crate refused a network, as the enum that it is there.
    ("frostline_onnx", &["backbones", "error"]),
    (
        "frostline_kernels",
        &["backbones", "frostline-onnx", "head", "images"],
    ),
    ("rten_onnx", &[]),
    ("zip", &["frostline-onnx"]),
    ("ureq", &["backbones"]),
    ("arrow_array", &["features"]),
    ("arrow_ipc", &["features"]),
    ("arrow_schema", &["features"]),
    ("parquet", &["features"]),
    ("safetensors", &["frostline-onnx", "head"]),
    ("linfa", &["head", "tasks"]),
    ("linfa_logistic", &["head"]),
    ("maud", &["report"]),
    ("chrono", &["tasks"]),
    ("rayon", &["head"]),
    ("sysinfo", &["tasks"]),
    ("rustix", &["backbones", "inputs", "outputs"]),
    ("base64", &["report"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("anyhow", &["cli"]),
    ("unicode_width", &["cli"]),
    ("signal_hook", &["cli"]),
];

fn row(room: &str) -> usize {
    ROWS.iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("`{room}` has no row here"))
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

/// The sources of each crate of the workspace.
pub(crate) fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let members = fs::read_dir(root.join("crates")).into_iter().flatten();
    let members = members.map(|member| member.unwrap().path().join("src"));
    std::iter::once(root.join("src")).chain(members).collect()
}

/// `(room, file, text without comments and tests)` of each source file of the library but the two roots.
fn sources() -> Vec<(String, String, String)> {
    let sources = sources_in("src");
    assert!(sources.len() > 40, "the sources were not found");
    sources
}

/// The same of all crates: the room of a file beside the library is its crate's folder.
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

/// Whether `name` stands in `code` with a path separator after it, as a word of its own.
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
            let imported = code.contains(&format!("crate::{below}"));
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

/// What prints, so that each of them must be in the door for people or in `outputs`, for data.
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

/// Text for people is escaped as it goes out, and cells of tables as they are made; nothing else in the
/// command line's room needs to know.
#[test]
fn the_command_line_escapes_in_one_place() {
    let doors = ["cli/terminal.rs", "cli/cells.rs"];
    for (room, file, code) in sources() {
        let escapes = room == "cli" && code.contains("for_terminal");
        assert!(!escapes || doors.contains(&&*file), "{file}");
    }
}

/// What opens files for reading, so that each of them must be in `inputs` or `outputs`.
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

/// Files of tests, and of what tests are made of.
fn is_test(file: &str) -> bool {
    let parts = Path::new(file).with_extension("");
    let mut parts = parts.iter();
    parts.any(|part| part == "tests" || part == "sample")
}

/// What writes or makes files, so that each of them must be in `outputs`.
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

/// Longer lines are read with difficulty, and rustfmt leaves comments and strings as they are.
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
