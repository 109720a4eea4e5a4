//! `FROSTLINE_HOME`: the folder for models and runtime that belong to the user.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::error::{Error, Result};
use crate::outputs;

/// The folder that holds `models/`, `downloads/`, `runtime/` and `cache/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// A home at a given place.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// `FROSTLINE_HOME`, or else `frostline` in the platform's data directory.
    ///
    /// # Errors
    /// [`Error::Input`] where neither `FROSTLINE_HOME` nor a home directory is known, or where it is a relative path.
    pub fn from_env() -> Result<Self> {
        if let Some(home) = env::var_os("FROSTLINE_HOME").filter(|home| !home.is_empty()) {
            return absolute(home.into());
        }
        let dirs = etcetera::choose_base_strategy().map_err(|e| Error::Input {
            problem: format!("the folder for models and runtime is not known: {e}"),
            hint: "set FROSTLINE_HOME to a folder".to_owned(),
        })?;
        Ok(Self(dirs.data_dir().join("frostline")))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Tries whether files can be made in it, or, where it does not exist yet, in the folder that it would be made in.
    ///
    /// # Errors
    /// The system's own.
    pub fn check_writable(&self) -> io::Result<()> {
        match outputs::check(&self.0.join(".new")) {
            Err(Error::Io { source, .. }) => Err(source),
            _ => Ok(()),
        }
    }

    /// Where backbones are installed: `NAME.onnx` with `NAME.toml` beside it.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.0.join("models")
    }

    /// Where the set-up puts ONNX Runtime for NVIDIA GPUs, with NVIDIA's libraries.
    #[must_use]
    pub fn runtime_cuda(&self) -> PathBuf {
        self.0.join("runtime-cuda")
    }

    /// Where fetched files are kept as they came.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.0.join("downloads")
    }

    /// What is worked out once and may be deleted at any time.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// Where the set-up puts ONNX Runtime's library.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.0.join("runtime")
    }
}

/// The home holds code, the runtime, which is never loaded from the folder where frostline happens to be started.
fn absolute(path: PathBuf) -> Result<Home> {
    if path.is_absolute() {
        return Ok(Home(path));
    }
    Err(Error::Input {
        problem: format!("FROSTLINE_HOME is the relative path `{}`", path.display()),
        hint: format!(
            "set it to an absolute path: FROSTLINE_HOME=$PWD/{}",
            path.display()
        ),
    })
}
