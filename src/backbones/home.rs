//! `FROSTLINE_HOME`: the user's folder for models and runtime.
//!
//! Code is loaded from it, and the networks and caches in it determine predictions. So nothing in it is used
//! if other users can write to it, unless [`Home::allow_shared`] or the variable [`ALLOW_SHARED`] permits it.

#[cfg(unix)]
mod private;

use std::env;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::site_packages::own_packages;
use crate::error::{Error, HomeProblem, Result};
use crate::outputs;

/// The environment variable that allows a home to which other users can write, unless it is empty or `0`.
pub const ALLOW_SHARED: &str = "FROSTLINE_ALLOW_SHARED_HOME";

/// The folder of backbones and ONNX Runtime: `models/`, `downloads/`, `runtime/` and `cache/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
    sharing: Sharing,
    packages: Vec<PathBuf>,
}

/// Whether a home is used if other users can write to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Refused,
    Allowed,
}

impl Home {
    /// Creates a home at an absolute path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            sharing: Sharing::Refused,
            packages: Vec::new(),
        }
    }

    /// Accepts the home even if other users can write to it. They can then run code as this user.
    #[must_use]
    pub fn allow_shared(self) -> Self {
        Self {
            sharing: Sharing::Allowed,
            ..self
        }
    }

    /// Adds the folders of Python packages (`site-packages`) of the program's own environment. ONNX Runtime
    /// in them is used before any other, and known backbones in them need no download.
    #[must_use]
    pub fn with_packages(self, packages: Vec<PathBuf>) -> Self {
        Self { packages, ..self }
    }

    /// Returns the folders of the Python packages of the program's own environment: those that were added,
    /// and that of the wheel that the running binary belongs to.
    pub(crate) fn packages(&self) -> impl Iterator<Item = PathBuf> {
        self.packages.iter().cloned().chain(own_packages())
    }

    /// Returns `FROSTLINE_HOME` or, if it is not set, `frostline` in the platform's data directory. It may be
    /// shared if [`ALLOW_SHARED`] is set.
    ///
    /// # Errors
    /// [`HomeProblem`] if neither `FROSTLINE_HOME` nor a home directory is known, or if `FROSTLINE_HOME` is a
    /// relative path.
    pub fn from_env() -> Result<Self> {
        let home = Self::private_from_env()?;
        let allowed = env::var_os(ALLOW_SHARED).is_some_and(|set| !set.is_empty() && set != "0");
        Ok(if allowed { home.allow_shared() } else { home })
    }

    fn private_from_env() -> Result<Self> {
        if let Some(home) = env::var_os("FROSTLINE_HOME").filter(|home| !home.is_empty()) {
            return absolute(home.into());
        }
        let dirs =
            etcetera::choose_base_strategy().map_err(|e| HomeProblem::Unknown(e.to_string()))?;
        Ok(Self::at(dirs.data_dir().join("frostline")))
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that files can be created in the home or, if it does not exist yet, in the folder in which it
    /// would be created.
    ///
    /// # Errors
    /// [`HomeProblem::ReadOnly`].
    pub fn check_writable(&self) -> Result<()> {
        match outputs::check(&self.path.join(".new")) {
            Err(Error::Io { source: error, .. }) => {
                let path = self.path.clone();
                Err(HomeProblem::ReadOnly { path, error }.into())
            }
            _ => Ok(()),
        }
    }

    /// Checks that no other user can change `path`, which is in this home. A missing file passes. On Windows
    /// nothing is checked.
    ///
    /// # Errors
    /// [`HomeProblem::Shared`] with the folder or file that others can change, unless sharing is allowed.
    pub(super) fn require_private(&self, path: &Path) -> Result<()> {
        // On other systems, the standard library cannot read access control lists.
        #[cfg(not(unix))]
        let _ = path;
        #[cfg(unix)]
        if self.sharing == Sharing::Refused {
            private::check(&self.path, path).map_err(HomeProblem::Shared)?;
        }
        Ok(())
    }

    /// Creates a missing folder of the home, for this user only, and removes what killed processes left in
    /// it.
    ///
    /// # Errors
    /// [`Error::Io`], and [`HomeProblem::Shared`] if other users can write to it.
    pub(crate) fn make(&self, folder: &Path) -> Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .map_err(Error::io("create", folder))?;
        self.require_private(folder)?;
        outputs::remove_leftovers(folder);
        Ok(())
    }

    /// Checks that other users cannot write to the home or to one of its folders.
    ///
    /// # Errors
    /// [`HomeProblem::Shared`] with the folder that others can change, unless sharing is allowed.
    pub fn check_private(&self) -> Result<()> {
        let folders = [
            self.models(),
            self.downloads(),
            self.runtime(),
            self.runtime_cuda(),
            self.cache(),
        ];
        folders
            .iter()
            .try_for_each(|folder| self.require_private(folder))
    }

    /// Returns the folder of installed backbones: `NAME.onnx` with `NAME.toml` next to it.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.path.join("models")
    }

    /// Returns the folder where the setup installs ONNX Runtime for NVIDIA GPUs, with NVIDIA's libraries.
    #[must_use]
    pub fn runtime_cuda(&self) -> PathBuf {
        self.path.join("runtime-cuda")
    }

    /// Returns the folder in which downloaded files are kept unchanged.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }

    /// Returns the folder of caches, which may be deleted at any time.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// Returns the folder where the setup installs ONNX Runtime's library.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.path.join("runtime")
    }
}

/// Returns the home at an absolute path. A relative one is refused: the home contains code, which must not
/// depend on the working directory.
fn absolute(path: PathBuf) -> Result<Home> {
    if path.is_absolute() {
        return Ok(Home::at(path));
    }
    Err(HomeProblem::Relative(path).into())
}
