//! Where the packages of Python environments are: that of frostline's own wheel, and active ones.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the `site-packages` folder of the wheel that the running binary belongs to, which is that of
/// `<environment>/bin/frostline`. The binary's path is resolved, so a link to it elsewhere, as of `pipx`, is
/// fine, and no variable has to be set.
#[must_use]
pub fn own_packages() -> Option<PathBuf> {
    let binary = env::current_exe().ok()?.canonicalize().ok()?;
    packages_around(&binary)
}

fn packages_around(binary: &Path) -> Option<PathBuf> {
    let folder = binary.parent()?;
    // A binary elsewhere, such as a build's, belongs to no environment; nothing is opened around it.
    if !PROGRAMS.iter().any(|name| folder.ends_with(name)) {
        return None;
    }
    let root = folder.parent()?;
    let mut folders = packages(root.as_os_str()).into_iter();
    folders.find(|folder| folder.join(MODULE).is_file())
}

/// The folder of an environment's programs, on Unix and on Windows.
const PROGRAMS: [&str; 2] = ["bin", "Scripts"];

/// A file of the Python package `frostline`, which comes in the same wheel as the binary.
const MODULE: &str = "frostline/__init__.py";

/// Returns the `site-packages` folders of the Python environments of `VIRTUAL_ENV` and `CONDA_PREFIX`.
pub(crate) fn python_packages() -> Vec<PathBuf> {
    let roots = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .filter_map(env::var_os);
    let roots = roots.filter(|root| Path::new(root).is_absolute());
    roots.flat_map(|root| packages(&root)).collect()
}

/// Returns `site-packages`, or Debian's `dist-packages`, for each Python version of an environment.
fn packages(root: &OsStr) -> Vec<PathBuf> {
    let root = Path::new(root);
    let pythons = fs::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = pythons
        .flat_map(|python| ["site-packages", "dist-packages"].map(|name| python.path().join(name)))
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    folders.push(root.join("Lib/site-packages"));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_belongs_to_the_environment_with_its_module() {
        let root = tempfile::tempdir().unwrap();
        let packages = |version: &str| root.path().join(format!("lib/{version}/site-packages"));
        let module = packages("python3.11").join("frostline");
        fs::create_dir_all(packages("python3.10")).unwrap();
        fs::create_dir_all(&module).unwrap();
        let binary = root.path().join("bin/frostline");
        assert_eq!(packages_around(&binary), None);
        fs::write(module.join("__init__.py"), "").unwrap();
        assert_eq!(packages_around(&binary), Some(packages("python3.11")));
        let elsewhere = root.path().join("debug/frostline");
        assert_eq!(packages_around(&elsewhere), None);
    }

    #[test]
    fn packages_of_debian_are_found() {
        let root = tempfile::tempdir().unwrap();
        let packages = root.path().join("lib/python3.11/dist-packages");
        fs::create_dir_all(packages.join("frostline")).unwrap();
        fs::write(packages.join(MODULE), "").unwrap();
        assert_eq!(
            packages_around(&root.path().join("bin/frostline")),
            Some(packages)
        );
    }
}
