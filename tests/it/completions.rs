//! Shell completions: bash runs the script that is generated, as it does when TAB is pressed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{Ran, frostline};

/// Calls the completion function as bash does; the words are the arguments.
const PRESS_TAB: &str = r#"
source "$SCRIPT" || exit
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_frostline frostline "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// The program's script for bash; `None` if there is no bash.
struct Bash {
    folder: tempfile::TempDir,
}

impl Bash {
    fn new() -> Option<Self> {
        if Command::new("bash").arg("--version").output().is_err() {
            eprintln!("not tested: there is no bash");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let script = frostline(["completions", "bash"]).exits(0).out;
        fs::write(folder.path().join("script"), script).unwrap();
        Some(Self { folder })
    }

    /// Returns what the last word can become.
    fn completes(&self, line: &str) -> Vec<String> {
        let mut command = Command::new("bash");
        command.args(["--norc", "-c", PRESS_TAB, "bash", "frostline"]);
        command.args(line.split(' ')).current_dir(&self.folder);
        command.env("SCRIPT", self.folder.path().join("script"));
        let ran = Ran::of(command.output().unwrap()).exits(0);
        ran.out.lines().map(str::to_owned).collect()
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let Some(bash) = Bash::new() else { return };
    assert_eq!(bash.completes("ext"), ["extract"]);
    assert_eq!(bash.completes("models p"), ["pull"]);
    assert_eq!(bash.completes("-q features ex"), ["export"]);
    assert_eq!(bash.completes("extract photos --jpeg"), ["--jpeg-scale"]);
    let both = ["--train", "--train-images"];
    assert_eq!(bash.completes("report features --train"), both);
    assert_eq!(bash.completes("doctor --head"), [""]);
}

/// Options with the values that bash completes: those of clap's enums and those of the library's.
const CHOICES: &[(&str, &str, &str)] = &[
    ("classify", "format", "csv tsv jsonl table"),
    ("classify", "tta", "trained none"),
    ("serve", "log", "text json"),
    ("evaluate", "format", "text json"),
    ("export", "input", "tensor crop pixels"),
    ("export", "resize", "onnx matmul"),
    ("export", "layout", "file hf triton"),
    ("export", "precision", "fp32 fp16 int8"),
    ("export", "outputs", "probabilities logits features all"),
    ("export", "format", "text json"),
    ("features export", "format", "npy parquet csv"),
    ("fit-head", "solver", "sgd lbfgs linfa"),
    ("fit-head", "schedule", "constant cosine step"),
    ("fit-head", "calibrate-on", "folds validation"),
    ("extract", "dtype", "f32 f16"),
    ("worker", "dtype", "f32 f16"),
    (
        "extract",
        "device",
        "auto cpu cuda tensorrt coreml directml openvino",
    ),
    ("extract", "precision", "fp32 tf32 fp16"),
    ("extract", "conv", "auto winograd direct"),
    ("extract", "exif", "apply ignore"),
    ("extract", "alpha", "white black drop"),
    ("extract", "jpeg-scale", "full reduced"),
    ("extract", "views", "center hflip five-crop ten-crop"),
    ("extract", "preset", "tutorial"),
    (
        "extract",
        "interpolation",
        "nearest box bilinear hamming bicubic lanczos",
    ),
    ("extract", "channels", "rgb bgr"),
    ("extract", "layout", "nchw nhwc"),
    ("extract", "map", "nchw nhwc"),
    ("models import", "pool", "flatten mean max cls cls+mean"),
];

#[test]
fn bash_completes_values_and_the_program_takes_them() {
    let Some(bash) = Bash::new() else { return };
    for (command, option, expected) in CHOICES {
        let values = bash.completes(&format!("{command} x --{option} "));
        assert_eq!(values.join(" "), *expected, "{command} --{option}");
        for value in values.iter().map(String::as_str) {
            accepts(command, option, value, 0);
        }
        accepts(command, option, "abacus", 2);
    }
    let values = bash.completes("models import x --arch resnet");
    assert_eq!(values, ["resnet18", "resnet50"]);
}

/// Values are parsed before the help is printed.
fn accepts(command: &str, option: &str, value: &str, code: i32) {
    let option = format!("--{option}={value}");
    frostline(command.split(' ').chain([&*option, "--help"])).exits(code);
}

/// Completion names some values, and the library accepts more.
#[test]
fn values_that_are_not_completed_are_valid() {
    for device in ["cuda:1", "tensorrt:0", "directml:2"] {
        accepts("extract", "device", device, 0);
    }
    accepts("models import", "arch", "vgg19_bn", 0);
}

#[test]
fn bash_completes_paths() {
    let Some(bash) = Bash::new() else { return };
    let at = |name: &str| bash.folder.path().join(name);
    fs::create_dir(at("photos 1")).unwrap();
    fs::write(at("photos.head"), "").unwrap();
    let mut found = bash.completes("classify x --head pho");
    found.sort();
    assert_eq!(found, ["photos 1", "photos.head"]);
}

#[test]
fn every_shell_has_a_script_and_none_needs_a_home() {
    for (shell, part) in [
        ("bash", "complete -F _frostline"),
        ("zsh", "#compdef frostline"),
        ("fish", "complete -c frostline"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[frostline]"),
    ] {
        let program = Path::new(env!("CARGO_BIN_EXE_frostline"));
        let mut command = Command::new(program);
        command.env_clear().args(["completions", shell]);
        let ran = Ran::of(command.output().unwrap()).exits(0);
        assert!(ran.out.contains(part), "{shell}");
        assert_eq!(ran.err, "");
    }
    frostline(["completions", "tcsh"])
        .exits(2)
        .says(&["bash, elvish, fish"]);
}
