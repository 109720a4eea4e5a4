//! Names that would move the cursor, retitle a terminal, change the writing direction or start a line: every
//! command escapes them in text for people and leaves them unchanged in data for programs.

#![cfg(unix)]

use std::fs;
use std::process::Command;

use frostline::ClassIndex;
use frostline::features::{Content, Digest, Existing, Index, IndexRow, StoreWriter};
use frostline::head::HeadFile;

use crate::harness::{Place, Ran, manifest, run, two_classes};

/// Parts of names that are easy to detect in output: each has a character that no output may contain, or
/// starts a line.
const BLUE: &str = "b\x1b]0;title\x07\nok       forged";
const RED: &str = "r\u{202e}der\u{200f}\u{9b}2J";
const FILE: &str = "\x1b[2J\nerror: forged \u{61c}\r.png";

const FORGED: [&str; 2] = ["ok       forged", "error: forged"];

/// Whether a terminal would do anything other than display the character.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
}

fn is_harmless(text: &str) -> bool {
    let forged = |line: &str| FORGED.iter().any(|start| line.starts_with(start));
    !text.chars().any(is_hostile) && !text.lines().any(forged)
}

/// Creates a folder with the image folders `BLUE` and `RED`, in which one text file is named like an image.
fn hostile_images(place: &Place, name: &str, seed: u32) {
    let images = place.folder().join(name);
    two_classes(&images, 6, seed);
    for (plain, hostile) in [("blue", BLUE), ("red", RED)] {
        let class = images.join(hostile);
        fs::rename(images.join(plain), &class).unwrap();
        fs::rename(class.join("0.png"), class.join(FILE)).unwrap();
        fs::copy(class.join("1.png"), class.join(format!("copy{FILE}"))).unwrap();
    }
    fs::write(images.join(BLUE).join(format!("bad{FILE}")), "text").unwrap();
    fs::write(images.join(RED).join(format!("other{FILE}x")), "text").unwrap();
}

/// Returns a command; `{blue}`, `{red}` and `{file}` in an argument stand for the names above.
fn command(place: &Place, line: &str) -> Command {
    let names = [("{blue}", BLUE), ("{red}", RED), ("{file}", FILE)];
    let filled = |arg: &str| {
        names
            .iter()
            .fold(arg.to_owned(), |arg, (name, text)| arg.replace(name, text))
    };
    place.command_of(line.split(' ').map(filled))
}

/// Commands, run in this order, with their exit codes.
const COMMANDS: &[(i32, &str)] = &[
    (3, "extract {dir}/images -o {dir}/s{file}"),
    (3, "extract {dir}/images -o {dir}/s{file} --verbose"),
    (1, "extract {dir}/images -o {dir}/s{file} --strict"),
    (1, "extract {dir}/images -o {dir}/s{file} --preset tutorial"),
    (
        1,
        "extract {dir}/images/{blue}/{file} -o {dir}/s{file}/inside",
    ),
    (0, "features show {dir}/s{file}"),
    (0, "features export {dir}/s{file} -o {dir}/e{file}.csv"),
    (2, "features export {dir}/s{file} -o {dir}/e{file}.{red}"),
    (
        1,
        "features export {dir}/s{file} -o {dir}/e.csv --view {red}",
    ),
    (
        0,
        "fit-head {dir}/s{file} -o {dir}/h{file} --folds 2 --near 1",
    ),
    (
        0,
        "fit-head {dir}/s{file} -o {dir}/h{file} --solver lbfgs --validation-split 0.3 --calibrate --folds \
         2 --near 1",
    ),
    (
        1,
        "fit-head {dir}/s{file} -o {dir}/x --class-weight {dir}/w{file}",
    ),
    (
        3,
        "classify {dir}/images --head {dir}/h{file} --format table --top-k 2",
    ),
    (
        3,
        "classify {dir}/images --head {dir}/h{file} --format table --threshold 1",
    ),
    (
        3,
        "classify {dir}/images --head {dir}/h{file} -o {dir}/table{file}.txt",
    ),
    (
        1,
        "classify {dir}/h{file} --head {dir}/h{file} --format table",
    ),
    (0, "evaluate {dir}/s{file} --head {dir}/h{file}"),
    (
        3,
        "evaluate {dir}/images --head {dir}/h{file} --compare {dir}/h{file} --include-training",
    ),
    (1, "evaluate {dir}/other --head {dir}/h{file}"),
    (0, "inspect {dir}/s{file}"),
    (
        0,
        "inspect {dir}/s{file} --against {dir}/s{file} --head {dir}/h{file}",
    ),
    (3, "extract {dir}/more -o {dir}/m{file}"),
    (3, "suggest {dir}/more --head {dir}/h{file} --format table"),
    (
        0,
        "suggest {dir}/m{file} --head {dir}/h{file} --format table --near 1",
    ),
    (
        3,
        "report {dir}/images --head {dir}/h{file} -o {dir}/r{file}.html",
    ),
    (3, "preview {dir}/images -o {dir}/p{file}.png"),
    (0, "models list"),
    (0, "models show {dir}/home/models/{red}.onnx"),
    (0, "models show {red}"),
    (1, "models show {blue}"),
    (1, "models pull {red} --url {red}"),
    (2, "models pull efficientnet-lite4 --url {red}"),
    (1, "models pull {blue}"),
    (1, "models import {dir}/w{file} --name {red}"),
    (1, "models import {dir}/images/{blue}/{file}"),
    (3, "extract {dir}/images -o {dir}/new --backbone {red}"),
    (1, "extract {dir}/images -o {dir}/newer --backbone {blue}"),
    (1, "extract {dir}/images -o {dir}/newer --layer {red}"),
    (1, "inspect {dir}/no{file}"),
    (2, "classify {red} --head {blue} --format {red}"),
    (2, "classify {red} --head {blue} --{blue}"),
    (2, "extract {red} -o {blue} --mean {blue}"),
    (2, "{blue}"),
    (2, "models {red}"),
];

#[test]
fn no_command_lets_a_name_reach_the_terminal() {
    let Some(place) = Place::installed() else {
        return;
    };
    hostile_images(&place, "images", 0);
    hostile_images(&place, "more", 50);
    two_classes(&place.folder().join("other"), 1, 0);
    let model = place.folder().join("home/models/efficientnet-lite0.onnx");
    let manifest = fs::read_to_string(model.with_extension("toml")).unwrap();
    let hostile = model.with_file_name(format!("{RED}.onnx"));
    fs::copy(&model, &hostile).unwrap();
    let (_, tables) = manifest.split_once("\n[").unwrap();
    let license = "A\\u001B]0;x\\u0007\\nok       forged";
    let manifest = format!("name = \"{RED}\"\nlicense = \"{license}\"\n\n[{tables}");
    fs::write(hostile.with_extension("toml"), manifest).unwrap();
    let weights = place.folder().join(format!("w{FILE}"));
    fs::write(
        weights,
        format!("class,weight\n\"{BLUE}\",1\n\"{BLUE}\",2\n"),
    )
    .unwrap();
    let mut faults = Vec::new();
    for (code, line) in COMMANDS {
        let ran = run(&mut command(&place, line));
        let harmless = is_harmless(&ran.out) && is_harmless(&ran.err);
        if ran.code != *code || !harmless || ran.err.contains("panicked") {
            faults.push(format!(
                "{line}: exit code {}, not {code}\n{:?}\n{}",
                ran.code, ran.out, ran.err
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    let table = fs::read_to_string(place.path(&format!("table{FILE}.txt"))).unwrap();
    assert!(is_harmless(&table), "{table:?}");
    assert_eq!(table.lines().count(), 15);
    // Data is not escaped.
    let csv = run(&mut command(
        &place,
        "classify {dir}/images --head {dir}/h{file} --format csv",
    ));
    assert!(
        csv.out.contains(RED) && csv.out.contains(FILE),
        "{:?}",
        csv.out
    );
    let mut doctor = place.command("doctor");
    let ran = run(doctor.env("FROSTLINE_HOME", place.path(&format!("no{FILE}")))).exits(1);
    assert!(is_harmless(&ran.out) && is_harmless(&ran.err), "{ran:?}");
}

/// Runs a command with standard output, and with `both` also standard error, connected to a terminal, and
/// returns what the terminal shows.
fn on_terminal(command: &Command, both: bool) -> Option<Ran> {
    const SCRIPT: &str = "
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
child = subprocess.Popen(sys.argv[2:], stdout=theirs, stderr=theirs if sys.argv[1] == 'both' else None)
os.close(theirs)
while True:
    try:
        shown = os.read(ours, 65536)
    except OSError:
        break
    if not shown:
        break
    sys.stdout.buffer.write(shown)
sys.exit(child.wait())
";
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT, if both { "both" } else { "one" }]);
    python.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        python.env(name, value.unwrap_or_default());
    }
    python.env("TERM", "xterm").env_remove("NO_COLOR");
    let Ok(output) = python.output() else {
        eprintln!("not tested: python3, which creates the terminal, is missing");
        return None;
    };
    let ran = Ran::of(output);
    // A terminal ends lines with CR LF.
    let out = ran.out.replace("\r\n", "\n");
    Some(Ran { out, ..ran })
}

#[test]
fn a_terminal_is_shown_data_escaped() {
    let Some(place) = Place::installed() else {
        return;
    };
    hostile_images(&place, "images", 0);
    for line in [
        "extract {dir}/images -o {dir}/store",
        "fit-head {dir}/store -o {dir}/head",
    ] {
        assert!([0, 3].contains(&run(&mut command(&place, line)).code));
    }
    for (format, separator) in [("csv", ","), ("tsv", "\t"), ("jsonl", "\":")] {
        let line = format!("classify {{dir}}/images --head {{dir}}/head --format {format} -q");
        let Some(ran) = on_terminal(&command(&place, &line), false) else {
            return;
        };
        let shown = ran.out.replace('\t', " ");
        assert!(!shown.chars().any(is_hostile), "{format}: {shown:?}");
        assert!(shown.contains("\\u{202e}der"), "{format}: {shown:?}");
        assert!(ran.out.contains(separator), "{format}: {}", ran.out);
    }
    let line = "classify {dir}/images --head {dir}/head";
    let table = on_terminal(&command(&place, line), false).unwrap().out;
    assert!(is_harmless(&table), "{table:?}");
    assert_eq!(table.lines().count(), 15, "{table}");
    for (line, what) in [
        ("preview {dir}/images -o -", "a PNG image"),
        ("fit-head {dir}/store -o -", "a head"),
        (
            "features export {dir}/store --format parquet -o -",
            "a Parquet table",
        ),
    ] {
        let ran = on_terminal(&command(&place, line), false).unwrap().exits(1);
        ran.says(&["the output is a terminal", what, "redirect"]);
    }
    // frostline's own escapes make text bold.
    let line = "features show {dir}/no{file} --verbose";
    let ran = on_terminal(&command(&place, line), true).unwrap().exits(1);
    assert!(ran.out.contains("\x1b[1merror:\x1b[0m"), "{:?}", ran.out);
    let plain = ran.out.replace("\x1b[1m", "").replace("\x1b[0m", "");
    assert!(is_harmless(&plain), "{plain:?}");
}

/// The longest allowed class name is wider than any terminal.
#[test]
fn the_longest_class_name_is_cut_in_tables() {
    let Some(place) = Place::fitted() else { return };
    let long = "漢".repeat(4096 / 3);
    let image = |number: u16| {
        let noise = |i: u16| f32::from((number * 31 + i * 17 + number * i * 7) % 23) / 11.0 - 1.0;
        (
            Digest::of(&number.to_le_bytes()),
            (0..12).map(noise).collect::<Vec<f32>>(),
        )
    };
    let store = place.folder().join("long");
    let mut writer = StoreWriter::open(&store, manifest(), Existing::Extend).unwrap();
    let mut index = Index::default();
    for number in 0..20 {
        let (digest, features) = image(number);
        writer.push(digest, &features).unwrap();
        index.push(IndexRow {
            path: format!("{number}.png"),
            class: Some([&long, "short"][usize::from(number % 2)].to_owned()),
            content: Ok(Content {
                digest,
                width: 4,
                height: 3,
            }),
        });
    }
    writer.finish_run(&index, &[]).unwrap();
    let head = HeadFile::read(place.path("head")).unwrap();
    let classes = ClassIndex::from_ordered(["blue", &long]).unwrap();
    HeadFile { classes, ..head }
        .write(place.path("named"))
        .unwrap();
    for line in [
        "features show {dir}/long",
        "fit-head {dir}/long -o {dir}/fitted --folds 2",
        "evaluate {dir}/long --head {dir}/fitted",
        "inspect {dir}/long",
        "classify {dir}/images --head {dir}/named --format table --top-k 2",
        "classify {dir}/images --head {dir}/named --format table --threshold 1",
        "suggest {dir}/images --head {dir}/named --format table",
    ] {
        let ran = place.frostline(line).exits(0);
        let longest = ran.out.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(1000), "{line}: {longest:?}");
        assert!(ran.err.len() < 1 << 20, "{line}");
        let cut = "漢".repeat(39) + "…";
        assert!(
            ran.out.contains(&cut) || line.starts_with("fit-head"),
            "{line}: {}",
            ran.out
        );
    }
    let jsonl = "classify {dir}/images --head {dir}/named --format jsonl";
    assert!(place.frostline(jsonl).exits(0).out.contains(&long));
}
