//! Destinations of results: closed pipes, full devices, paths that cannot be written.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Place, Ran};

/// Every command that writes to standard output.
const PRINTING: &[&str] = &[
    "classify {dir}/images --head {dir}/head --format csv",
    "classify {dir}/images --head {dir}/head --format jsonl",
    "classify {dir}/images --head {dir}/head --format table",
    "evaluate {dir}/store --head {dir}/head",
    "evaluate {dir}/store --head {dir}/head --format json",
    "extract {dir}/images -o {dir}/store --format json",
    "features show {dir}/store",
    "features show {dir}/store --format json",
    "features export {dir}/store --format csv -o -",
    "features export {dir}/store --format parquet -o -",
    "fit-head {dir}/store -o -",
    "fit-head {dir}/store -o {dir}/new --format json",
    "preview {dir}/images -o -",
    "report {dir}/store --head {dir}/head -o -",
    "inspect {dir}/store",
    "suggest {dir}/images --head {dir}/head --format csv",
    "models list",
    "models list --format json",
    "models show efficientnet-lite0",
    "models show efficientnet-lite0 --format json",
    "doctor",
    "doctor --format json",
    "--help",
    "classify --help",
];

#[test]
fn a_closed_pipe_ends_quietly() {
    let Some(place) = Place::fitted() else { return };
    for args in PRINTING {
        let mut command = place.command(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ran = Ran::of(child.wait_with_output().unwrap()).exits(0);
        for word in ["error:", "panicked", "pipe"] {
            assert!(!ran.err.contains(word), "`{args}`: {}", ran.err);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_an_error() {
    let Some(place) = Place::fitted() else { return };
    for args in PRINTING.iter().filter(|args| !args.contains("--help")) {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = place.command(args).stdout(full).output().unwrap();
        Ran::of(output).exits(1).says(&[
            "cannot write `standard output`",
            "No space left",
            "redirect standard output",
        ]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let Some(place) = Place::fitted() else { return };
    let args = "classify {dir}/images --head {dir}/head -o /dev/full";
    place
        .frostline(args)
        .exits(1)
        .says(&["cannot write `/dev/full`", "No space left"]);
}

/// The limit of `ulimit -f` arrives as a signal, which by default ends the process.
#[cfg(target_os = "linux")]
#[test]
fn a_file_beyond_the_size_limit_is_an_error() {
    let Some(place) = Place::fitted() else { return };
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 1; exec \"$0\" \"$@\""]);
    let command = place.command("features export {dir}/store --format csv -o {dir}/table.csv");
    shell.arg(command.get_program()).args(command.get_args());
    let ran = Ran::of(shell.output().unwrap()).exits(1);
    ran.says(&["cannot write", "table.csv", "File too large", "hint: "]);
    assert!(!place.folder().join("table.csv").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn the_temporary_name_of_a_file_is_not_said() {
    let Some(place) = Place::fitted() else { return };
    let args = "evaluate {dir}/store --head {dir}/head -o /proc/frostline.txt";
    let ran = place.frostline(args).exits(1);
    assert!(!ran.err.contains(".frostline-"), "{}", ran.err);
    ran.says(&["cannot write `/proc/frostline.txt`: No such file or directory"]);
}

/// Every command that writes a single file can write to a pipe; otherwise root would replace `/dev/null` by
/// a rename.
#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    const END: &[u8] = b"so that reading does not wait";
    let Some(place) = Place::fitted() else { return };
    let pipe = place.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let writing: &[&str] = &[
        "classify {dir}/images --head {dir}/head -o {dir}/pipe",
        "evaluate {dir}/store --head {dir}/head -o {dir}/pipe",
        "features export {dir}/store --format csv -o {dir}/pipe",
        "features export {dir}/store --format parquet -o {dir}/pipe",
        "fit-head {dir}/store -o {dir}/pipe",
    ];
    for args in writing {
        // Opened for reading and writing, so that neither side blocks if the command does not use the pipe.
        let mut both = fs::File::options()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        let ran = place.frostline(args).exits(0);
        assert!(ran.out.is_empty(), "`{args}`: {}", ran.out);
        assert!(
            fs::metadata(&pipe).unwrap().file_type().is_fifo(),
            "`{args}` replaced the pipe"
        );
        both.write_all(END).unwrap();
        let mut written = vec![0; 1 << 16];
        let length = both.read(&mut written).unwrap();
        assert!(length > END.len(), "`{args}` wrote nothing");
    }
}

/// All commands that write; `{place}` is the destination.
const WRITING: &[&str] = &[
    "extract {dir}/images -o {place}",
    "fit-head {dir}/store -o {place}",
    "classify {dir}/images --head {dir}/head -o {place}",
    "classify {dir}/images --head {dir}/head --store {place}",
    "evaluate {dir}/store --head {dir}/head -o {place}",
    "features export {dir}/store -o {place}",
    "features export {dir}/store --format csv -o {place}",
];

#[test]
fn a_place_that_cannot_be_written_to_is_named_with_the_option() {
    let Some(place) = Place::fitted() else { return };
    let target = unwritable(&place)
        .join("frostline-output")
        .display()
        .to_string();
    for args in WRITING {
        let args = args.replace("{place}", &target);
        let option = if args.contains("--store") {
            "--store"
        } else {
            "-o"
        };
        place
            .frostline(&args)
            .exits(1)
            .says(&[&target, "hint: ", option]);
        assert!(!Path::new(&target).exists(), "{target}");
    }
    let ran = place
        .frostline("extract {dir}/images -o {dir}/elsewhere")
        .exits(0);
    ran.says(&["12 computed"]);
}

/// Returns a folder without write permission; for root, who ignores permissions, a folder of the kernel's.
#[cfg(unix)]
fn unwritable(place: &Place) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = place.folder().join("read-only");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("probe"), "").is_ok() {
        return "/proc".into();
    }
    folder
}

/// Returns a path below a regular file, where nothing can be created.
#[cfg(not(unix))]
fn unwritable(place: &Place) -> std::path::PathBuf {
    place.folder().join("head")
}

/// Nobody reads the pipe; a signal ends the wait for a reader.
#[cfg(unix)]
#[test]
fn a_pipe_without_a_reader_is_waited_for_until_a_signal() {
    let Some(place) = Place::fitted() else { return };
    let pipe = place.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let line = "classify {dir}/images --head {dir}/head --format csv -o {dir}/pipe";
    let mut waiting = place.command(line).spawn().unwrap();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(waiting.try_wait().unwrap(), None);
    let term = Command::new("kill").arg(waiting.id().to_string()).status();
    assert!(term.unwrap().success());
    let begin = Instant::now();
    let ended = loop {
        if let Some(status) = waiting.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > Duration::from_secs(20) {
            waiting.kill().unwrap();
            panic!("it still waits for a reader");
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(ended.code(), Some(143));
}
