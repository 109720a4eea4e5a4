//! The folders in which ONNX Runtime's library is looked for, and the names it may have.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::backbones::home::Home;
use crate::backbones::site_packages::python_packages;

/// The folder of the library in the Python package `onnxruntime`.
const CAPI: &str = "onnxruntime/capi";

/// The environment variable that names the library.
pub(super) const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Where ONNX Runtime was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The environment variable `ORT_DYLIB_PATH`.
    Variable,
    /// The folder of the running binary.
    BesideBinary,
    /// The Python environment that frostline is installed in.
    Environment,
    /// `FROSTLINE_HOME/runtime-cuda` or `FROSTLINE_HOME/runtime`.
    Home,
    /// The Python environment of `VIRTUAL_ENV` or `CONDA_PREFIX`.
    Python,
    /// The system's loader.
    Loader,
    /// The caller.
    Given,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable => VARIABLE,
            Self::BesideBinary => "the binary's folder",
            Self::Environment => "the Python environment of frostline",
            Self::Home => "FROSTLINE_HOME",
            Self::Python => "the active Python environment",
            Self::Loader => "the loader's path",
            Self::Given => "the setup",
        })
    }
}

/// Returns the folders in the order in which they are searched.
pub(super) fn folders(home: &Home) -> Vec<(PathBuf, Origin)> {
    let beside = env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_owned));
    let beside = beside
        .into_iter()
        .map(|folder| (folder, Origin::BesideBinary));
    let own = home
        .packages()
        .map(|packages| (packages.join(CAPI), Origin::Environment));
    let python = python_packages().into_iter();
    let python = python.map(|packages| (packages.join(CAPI), Origin::Python));
    beside
        .chain(own)
        .chain([home.runtime_cuda(), home.runtime()].map(|folder| (folder, Origin::Home)))
        .chain(python)
        .collect()
}

/// Returns the ONNX Runtime library in a folder, such as `libonnxruntime.so.1.32.0`; of several, the one
/// whose name sorts last.
pub(super) fn library_in(folder: &Path) -> Option<PathBuf> {
    let wanted = |path: &PathBuf| {
        path.file_name()
            .and_then(OsStr::to_str)
            .is_some_and(is_library_name)
    };
    files_in(folder).into_iter().filter(wanted).max()
}

/// Returns everything in a folder.
pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

pub(super) fn is_library_name(name: &str) -> bool {
    let Some(rest) = name
        .strip_prefix(env::consts::DLL_PREFIX)
        .and_then(|rest| rest.strip_prefix("onnxruntime"))
    else {
        return false;
    };
    let suffix = env::consts::DLL_SUFFIX;
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    rest.strip_prefix(suffix).is_some_and(digits) || rest.strip_suffix(suffix).is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_environment_comes_before_the_home() {
        let home = Home::at("/home").with_packages(vec!["/env".into()]);
        let folders = folders(&home);
        let at = |folder: PathBuf, origin| {
            let found = folders
                .iter()
                .position(|found| *found == (folder.clone(), origin));
            found.unwrap_or_else(|| panic!("{folder:?} is not in {folders:?}"))
        };
        let own = at(Path::new("/env").join(CAPI), Origin::Environment);
        assert!(own < at(home.runtime_cuda(), Origin::Home));
    }

    #[test]
    fn library_names() {
        if cfg!(target_os = "linux") {
            assert!(
                is_library_name("libonnxruntime.so") && is_library_name("libonnxruntime.so.1.32.0")
            );
            for name in [
                "libonnxruntime_providers_cuda.so",
                "onnxruntime.so",
                "libonnxruntime.so.bak",
                "libm.so",
            ] {
                assert!(!is_library_name(name), "{name}");
            }
        }
    }
}
