//! Finds Python interpreters, and where the packages of an active environment are.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{self, Kept};
use crate::backbones::python_packages;
use crate::error::{Error, Result};
use crate::inputs::{self, Links};
use crate::progress::Progress;

/// Prints whether pip is there, and the folders of packages, separated by NUL.
const QUERY: &str = "import importlib.util as u, os, sys; sys.stdout.buffer.write(b'\\0'.join(\
    [b'pip' if u.find_spec('pip') else b''] + [os.fsencode(p) for p in sys.path]))";

/// The size limit of the answer, which usually has a few hundred bytes.
const MOST_BYTES: u64 = 1 << 20;

/// How long an interpreter may take to answer. The first start of one on a slow disk takes seconds.
const ANSWER: Duration = Duration::from_secs(30);

/// How many interpreters are asked.
const MOST_PROGRAMS: usize = 8;

/// Where to look for Python.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Python {
    /// Interpreters, best first; they need not exist. The first that runs is the active one.
    pub programs: Vec<PathBuf>,
    /// `site-packages` folders of active environments.
    pub packages: Vec<PathBuf>,
}

impl Python {
    /// Returns the environments of `VIRTUAL_ENV` and `CONDA_PREFIX`, and `python3` and `python` in the
    /// absolute folders of `PATH`.
    #[must_use]
    pub fn from_env() -> Self {
        let variable = |name| env::var_os(name).unwrap_or_default();
        let path = variable("PATH");
        let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
        let folders: Vec<PathBuf> = folders.collect();
        let programs = ["python3", "python"].into_iter().flat_map(|name| {
            let name = format!("{name}{}", env::consts::EXE_SUFFIX);
            folders.iter().map(move |folder| folder.join(&name))
        });
        let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].map(variable);
        let active = active.iter().filter_map(|root| interpreter_of(root));
        Self {
            programs: active.chain(programs).collect(),
            packages: python_packages(),
        }
    }

    /// Asks each interpreter; those that do not run are left out. `scratch` is an empty folder.
    ///
    /// # Errors
    /// [`Error::Interrupted`], and [`Error::Io`] if the answer cannot be written.
    pub(super) fn interpreters(
        &self,
        scratch: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<Interpreter>> {
        let programs = self.programs.iter().filter(|program| program.is_file());
        let mut found = Vec::new();
        for program in programs.take(MOST_PROGRAMS) {
            match Interpreter::ask(program, scratch, progress) {
                Ok(interpreter) => found.extend(interpreter),
                Err(Error::Io { action: "run", .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// Returns the interpreter of an environment, if the environment's path is absolute.
fn interpreter_of(root: &OsStr) -> Option<PathBuf> {
    let root = Path::new(root);
    let inside = match (cfg!(windows), root.join("conda-meta").is_dir()) {
        (true, true) => "python.exe",
        (true, false) => "Scripts/python.exe",
        (false, _) => "bin/python",
    };
    root.is_absolute().then(|| root.join(inside))
}

/// A Python that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interpreter {
    pub(super) program: PathBuf,
    pub(super) has_pip: bool,
    pub(super) packages: Vec<PathBuf>,
}

impl Interpreter {
    /// Asks an interpreter; `None` if it fails.
    fn ask(program: &Path, scratch: &Path, progress: &dyn Progress) -> Result<Option<Self>> {
        let log = scratch.join("python.log");
        let mut command = command(program, scratch);
        command.args(["-c", QUERY]);
        let status = process::run(&mut command, Kept::Output, &log, ANSWER, progress)?;
        if !status.success() {
            return Ok(None);
        }
        let answer = inputs::read(&log, Links::Refuse, MOST_BYTES);
        let answer = answer.map_err(Error::io("read", &log))?;
        let mut parts = answer.split(|&byte| byte == 0);
        let has_pip = parts.next() == Some(b"pip");
        let packages = parts.filter_map(|part| str::from_utf8(part).ok());
        Ok(Some(Self {
            program: program.to_owned(),
            has_pip,
            packages: packages
                .map(PathBuf::from)
                .filter(|folder| folder.is_absolute())
                .collect(),
        }))
    }
}

/// Returns the command that runs an interpreter in `folder`. Python looks for modules in the working
/// directory first, so it must be a folder of frostline's own.
pub(super) fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}
