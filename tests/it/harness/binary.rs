//! Runs the binary and finds what must be installed for it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Returns the home that `frostline setup` installs the runtime and the default backbone to.
pub(crate) fn home() -> PathBuf {
    std::env::var_os("FROSTLINE_HOME").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(".frostline"),
        PathBuf::from,
    )
}

/// Returns the home; prints why a test is skipped if it is not set up.
pub(crate) fn installed_home() -> Option<PathBuf> {
    let home = home();
    if home.join("models/efficientnet-lite0.onnx").is_file() {
        return Some(home);
    }
    eprintln!(
        "not tested: the home is not set up; run FROSTLINE_HOME={} frostline setup",
        home.display()
    );
    None
}

/// Returns the path of the ONNX Runtime that the tests use.
pub(crate) fn runtime_library() -> Option<PathBuf> {
    let entries = fs::read_dir(installed_home()?.join("runtime")).unwrap();
    let mut files = entries.map(|entry| entry.unwrap().path());
    let library = files.find(|path| path.to_string_lossy().contains("libonnxruntime."));
    Some(library.unwrap().canonicalize().unwrap())
}

/// Gives a home the ONNX Runtime of another one.
pub(crate) fn share_runtime(from: &Path, home: &Path) {
    let runtime = home.join("runtime");
    fs::create_dir_all(&runtime).unwrap();
    for file in fs::read_dir(from.join("runtime")).unwrap() {
        let file = file.unwrap();
        let here = runtime.join(file.file_name());
        if fs::hard_link(file.path(), &here).is_err() {
            fs::copy(file.path(), &here).unwrap();
        }
    }
}

/// Returns a folder of real images next to the checkout; prints why a test is skipped if there is none.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(name);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("not tested: {} is missing", path.display());
    None
}

/// Runs the binary.
pub(crate) fn frostline<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    run(&mut command(args))
}

/// Returns the command that runs the binary: an installed one if `FROSTLINE_INSTALLED` is its path.
pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let built = env!("CARGO_BIN_EXE_frostline");
    let binary = std::env::var_os("FROSTLINE_INSTALLED").unwrap_or(built.into());
    let mut command = Command::new(binary);
    command.args(args).env("FROSTLINE_HOME", home());
    command
}

pub(crate) fn run(command: &mut Command) -> Ran {
    Ran::of(command.output().unwrap())
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the binary ends by itself"),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code; on failure, shows the output.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "standard error:\n{}\nstandard output:\n{}",
            self.err, self.out
        );
        self
    }

    /// Checks that standard error contains all of these.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.err.contains(word),
                "`{word}` is missing from:\n{}",
                self.err
            );
        }
        self
    }
}
