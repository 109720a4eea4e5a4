//! `FROSTLINE_HOME`: the folder for models and runtime that belong to the user.
//!
//! Code is loaded from it, and networks and what is remembered of them decide on labels. So nothing in it is
//! used where others can write to it, unless [`Home::allow_shared`] or the variable [`ALLOW_SHARED`] says
//! that they may.

#[cfg(unix)]
mod private;

use std::env;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::error::{Error, HomeProblem, Result};
use crate::outputs;

/// The environment variable that allows a home that others can write to: not empty, and not `0`.
pub const ALLOW_SHARED: &str = "FROSTLINE_ALLOW_SHARED_HOME";

/// The folder of backbones and ONNX Runtime: `models/`, `downloads/`, `runtime/` and `cache/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
    sharing: Sharing,
}

/// Whether others may be able to write to a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Refused,
    Allowed,
}

impl Home {
    /// A home at a given place, an absolute path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            sharing: Sharing::Refused,
        }
    }

    /// The same home, also where others can write to it: they can then run code as this user.
    #[must_use]
    pub fn allow_shared(self) -> Self {
        Self {
            sharing: Sharing::Allowed,
            ..self
        }
    }

    /// `FROSTLINE_HOME`, or else `frostline` in the platform's data directory; shared where [`ALLOW_SHARED`]
    /// says so.
    ///
    /// # Errors
    /// [`HomeProblem`] where neither `FROSTLINE_HOME` nor a home directory is known, or where it is a
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

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tries whether files can be made in it, or, where it does not exist yet, in the folder that it would be
    /// made in.
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

    /// Checks that nobody else can change what lies at `path`, which is in this home; what is not there
    /// passes. On Windows nothing is checked.
    ///
    /// # Errors
    /// [`HomeProblem::Shared`] with the folder or file at fault, unless that is allowed.
    pub(super) fn require_private(&self, path: &Path) -> Result<()> {
        // Elsewhere the standard library cannot read access control lists.
        #[cfg(not(unix))]
        let _ = path;
        #[cfg(unix)]
        if self.sharing == Sharing::Refused {
            private::check(&self.path, path).map_err(HomeProblem::Shared)?;
        }
        Ok(())
    }

    /// Makes one of its folders where it is missing, for this user alone, and removes what killed processes
    /// left in it.
    ///
    /// # Errors
    /// [`Error::Io`], and [`HomeProblem::Shared`] where others can write to it.
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

    /// Checks that others cannot write to it or to one of its folders.
    ///
    /// # Errors
    /// [`HomeProblem::Shared`] with the folder at fault, unless that is allowed.
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

    /// Where backbones are installed: `NAME.onnx` with `NAME.toml` beside it.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.path.join("models")
    }

    /// Where the set-up puts ONNX Runtime for NVIDIA GPUs, with NVIDIA's libraries.
    #[must_use]
    pub fn runtime_cuda(&self) -> PathBuf {
        self.path.join("runtime-cuda")
    }

    /// Where fetched files are kept as they came.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }

    /// What is worked out once and may be deleted at any time.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// Where the set-up puts ONNX Runtime's library.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.path.join("runtime")
    }
}

/// The home holds code, the runtime, which is never loaded from the folder where frostline happens to be
/// started.
fn absolute(path: PathBuf) -> Result<Home> {
    if path.is_absolute() {
        return Ok(Home::at(path));
    }
    Err(HomeProblem::Relative(path).into())
}
