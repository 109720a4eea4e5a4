//! Checks whether the loader's search path leads to the working directory.
//!
//! glibc takes an empty part of `LD_LIBRARY_PATH` for the working directory, as in `/opt/lib:` or
//! `:/opt/lib`; the latter is what `$LD_LIBRARY_PATH:/opt/lib` expands to if the variable was not set. The
//! loader reads the variable when the process starts, so the process cannot correct it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::places::Origin;
use crate::error::SearchPathProblem;

/// The environment variable of the search path.
pub(super) const VARIABLE: &str = "LD_LIBRARY_PATH";

/// The folders in which glibc looks for variants of a library, including those used before version 2.37.
const VARIANTS: [&str; 6] = [
    "glibc-hwcaps",
    "tls",
    "haswell",
    "avx512_1",
    "xeon_phi",
    "x86_64",
];

/// Returns why a library must not be loaded, if it or one of its dependencies could come from the working
/// directory.
pub(super) fn problem(origin: Origin, search_path: &OsStr) -> Option<SearchPathProblem> {
    let folders = relative_folders(search_path);
    if origin == Origin::Loader && !folders.is_empty() {
        return Some(SearchPathProblem::OnlyThere);
    }
    // Even if the library is loaded by its path, its dependencies are searched for.
    let found = folders.iter().find_map(|folder| library_in(folder))?;
    Some(SearchPathProblem::Holds(found))
}

/// Returns the parts that are not absolute.
fn relative_folders(search_path: &OsStr) -> Vec<PathBuf> {
    if search_path.is_empty() {
        return Vec::new();
    }
    let text = search_path.to_string_lossy();
    text.split([':', ';'])
        // `$ORIGIN` is the folder of the program, whose path is absolute.
        .filter(|part| {
            !part.starts_with('/') && !part.starts_with("$ORIGIN") && !part.starts_with("${ORIGIN}")
        })
        .map(|part| Path::new(".").join(part))
        .collect()
}

/// Returns a file that the loader could take for a library, or a folder in which it could look for one.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.contains(".so") || VARIANTS.contains(&&*name)
    };
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries.map(|entry| entry.path()).find(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_relative_parts_lead_to_the_working_directory() {
        let folders = |text: &str| relative_folders(text.as_ref());
        for absolute in ["", "/opt/lib", "/a:/b;/c", "$ORIGIN/lib:/a", "${ORIGIN}"] {
            assert!(folders(absolute).is_empty(), "{absolute}");
        }
        for empty in [":", "/opt/lib:", ":/opt/lib", "/a::/b", "/a;", "."] {
            let folders = folders(empty);
            let here = folders.iter().all(|folder| folder == Path::new("./"));
            assert!(here && !folders.is_empty(), "{empty}: {folders:?}");
        }
        assert_eq!(folders("/a:lib"), [Path::new("./lib")]);
        assert_eq!(folders("$LIB"), [Path::new("./$LIB")]);
    }

    #[test]
    fn a_search_in_the_working_directory_is_refused() {
        let refused = |origin, path: &str| problem(origin, path.as_ref());
        assert_eq!(refused(Origin::Loader, "/opt/lib"), None);
        let there = Some(SearchPathProblem::OnlyThere);
        assert_eq!(refused(Origin::Loader, "/opt/lib:"), there);
        // Tests run in the package's folder, which contains no library. `tests/it/steps_runtime.rs` covers a
        // folder that does.
        assert_eq!(refused(Origin::Home, ":"), None);
        assert_eq!(refused(Origin::Home, "src:/opt/lib"), None);
    }

    #[test]
    fn what_the_loader_could_take_is_found() {
        for name in ["libstdc++.so.6", "libfoo.so", "glibc-hwcaps"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("photo.jpg"), "").unwrap();
            assert_eq!(library_in(folder.path()), None);
            fs::create_dir(folder.path().join(name)).unwrap();
            assert!(library_in(folder.path()).unwrap().ends_with(name));
        }
    }
}
