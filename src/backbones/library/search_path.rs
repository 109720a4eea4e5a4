//! The loader's search path, where it leads to the working directory.
//!
//! To glibc an empty part of `LD_LIBRARY_PATH` is the working directory, as in `/opt/lib:` or in `:/opt/lib`,
//! which is what `$LD_LIBRARY_PATH:/opt/lib` gives where the variable was not set. The loader reads the
//! variable when the process starts, so that it cannot be put right from within.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::places::Origin;
use crate::error::SearchPathProblem;

/// The environment variable of the search path.
pub(super) const VARIABLE: &str = "LD_LIBRARY_PATH";

/// Folders in which glibc looks for variants of a library, today's and those of before version 2.37.
const VARIANTS: [&str; 6] = [
    "glibc-hwcaps",
    "tls",
    "haswell",
    "avx512_1",
    "xeon_phi",
    "x86_64",
];

/// Why a library must not be loaded, itself or those that it needs: one could come from the working
/// directory.
pub(super) fn problem(origin: Origin, search_path: &OsStr) -> Option<SearchPathProblem> {
    let folders = relative_folders(search_path);
    if origin == Origin::Loader && !folders.is_empty() {
        return Some(SearchPathProblem::OnlyThere);
    }
    // One that is loaded by its own path needs others, which are searched for.
    let found = folders.iter().find_map(|folder| library_in(folder))?;
    Some(SearchPathProblem::Holds(found))
}

/// The parts that are not absolute.
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

/// Something that the loader could take for a library, or look for one in.
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
        // The package's own folder holds no library.
        assert_eq!(refused(Origin::Home, ":"), None);
        // Tests run in it; `tests/it/steps_runtime.rs` has a folder with a library.
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
