//! Loads NVIDIA's libraries from Python wheels before ONNX Runtime's CUDA provider asks for them.
//!
//! The loader then finds them by name, so `LD_LIBRARY_PATH` need not be set.

use std::fs;
use std::path::{Path, PathBuf};

use crate::inputs::{self, Links};

/// The names of the libraries, each after its dependencies.
const LIBRARIES: [&str; 8] = [
    "libcudart.so",
    "libnvJitLink.so",
    "libnvrtc.so",
    "libcublasLt.so",
    "libcublas.so",
    "libcurand.so",
    "libcufft.so",
    "libcudnn.so",
];

/// Loads the libraries that are next to ONNX Runtime's or in the `nvidia` packages of the same Python
/// environment.
///
/// Missing and broken libraries are left to the provider, whose error names them.
pub(super) fn nvidia_libraries(runtime: &Path) {
    let folders = folders(runtime);
    for library in LIBRARIES {
        let found = folders.iter().find_map(|folder| in_folder(folder, library));
        // A library that fails here fails again when the provider is loaded, and is named then.
        let _ = found.map(ort::util::preload_dylib);
    }
}

/// Returns the folder of the library, and `site-packages/nvidia/*/lib` if that folder is
/// `site-packages/onnxruntime/capi`.
fn folders(runtime: &Path) -> Vec<PathBuf> {
    // The folder of a library that the loader found is not known, and it is not the working directory.
    let Some(own) = runtime.parent().filter(|own| own.is_absolute()) else {
        return Vec::new();
    };
    let packages = own.join("../../nvidia");
    let entries = fs::read_dir(packages).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path().join("lib")).collect();
    folders.sort();
    folders.insert(0, own.to_owned());
    folders
}

/// Finds a library in a folder, with any version in its name, such as `libname.so.13`.
fn in_folder(folder: &Path, library: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let wanted = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| {
            name.strip_prefix(library)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let named = entries.map(|entry| entry.path()).filter(wanted).min();
    // The loader would block on a pipe.
    named.filter(|path| inputs::open(path, Links::Follow).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_are_looked_through() {
        let root = tempfile::tempdir().unwrap();
        let capi = root.path().join("onnxruntime/capi");
        let lib = root.path().join("nvidia/cu13/lib");
        for folder in [&capi, &lib] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(lib.join("libcublas.so.13"), "").unwrap();
        fs::write(lib.join("libcublasLt.so.13"), "").unwrap();
        let folders = folders(&capi.join("libonnxruntime.so.1"));
        let found = folders
            .iter()
            .find_map(|folder| in_folder(folder, "libcublas.so"));
        assert!(found.unwrap().ends_with("nvidia/cu13/lib/libcublas.so.13"));
        assert_eq!(in_folder(&folders[0], "libcublas.so"), None);
    }

    #[test]
    fn nothing_is_taken_from_the_working_directory() {
        for runtime in ["libonnxruntime.so", "lib/libonnxruntime.so", "./x.so"] {
            assert!(super::folders(Path::new(runtime)).is_empty(), "{runtime}");
        }
    }
}
