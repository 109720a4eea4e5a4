//! Loading NVIDIA's libraries from where Python wheels put them, before ONNX Runtime's CUDA provider asks for
//! them.
//!
//! The loader then finds them by their names, and nobody has to set `LD_LIBRARY_PATH`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::inputs::{self, Links};

/// Names of the libraries, each after those that it needs.
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

/// Loads what lies beside ONNX Runtime's library, or in the `nvidia` packages of the same Python environment.
///
/// One that is missing or broken is left to the provider, whose own error names it.
pub(super) fn nvidia_libraries(runtime: &Path) {
    let folders = folders(runtime);
    for library in LIBRARIES {
        let found = folders.iter().find_map(|folder| in_folder(folder, library));
        // What fails here fails again, with its name, when the provider is loaded.
        let _ = found.map(ort::util::preload_dylib);
    }
}

/// The folder of the library, and `site-packages/nvidia/*/lib` where it lies in
/// `site-packages/onnxruntime/capi`.
fn folders(runtime: &Path) -> Vec<PathBuf> {
    // A library that the loader found has no folder that is known, and the working directory is not it.
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

/// `libname.so.13` in a folder, with whatever version.
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
    // The loader would wait for a pipe's other end.
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
