//! A script in the place of Python, wheels, and homes to set up.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Place, executable, runtime_library};

/// Answers the query of where packages are, and downloads a package from the folder `index`; every call is a
/// line in `calls`.
const PYTHON: &str = r#"#!/bin/sh
echo "$*" >>{root}/calls
case "$1" in
    -c) printf 'pip\0{root}/site' ;;
    -m)
        [ ! -e {root}/slow ] || exec sleep 60
        while [ $# -gt 1 ]; do
            case $1 in -r) list=$2 ;; -d) folder=$2 ;; esac
            shift
        done
        wheel=$(sed 's/-/_/g; s/==.*//' "$list")
        if ! [ -e {root}/index/$wheel-*.whl ]; then
            echo "WARNING: Retrying after connection broken by 'Error('<a.B>: Name not known')': /x/" >&2
            echo "ERROR: No matching distribution found for $(cat "$list")" >&2
            exit 1
        fi
        mkdir -p "$folder"
        cp {root}/index/$wheel-*.whl "$folder"
        ;;
esac
"#;

/// A folder with `bin/python3`, `index`, `site` and, if it is a [`Place`], `home`.
pub(super) struct Fake(pub(super) Place);

impl Fake {
    pub(super) fn new(place: Place) -> Self {
        let root = place.folder();
        for folder in ["index", "site"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let python = root.join("bin/python3");
        executable(&python, &PYTHON.replace("{root}", root.to_str().unwrap()));
        Self(place)
    }

    /// A home that lacks only ONNX Runtime, and the library that it lacks.
    pub(super) fn without_runtime() -> Option<(Self, PathBuf)> {
        let library = runtime_library()?;
        let place = Place::installed()?;
        fs::remove_file(place.path("home/runtime")).unwrap();
        Some((Self::new(place), library))
    }

    /// Returns a command with only this Python.
    pub(super) fn command(&self, args: &str) -> Command {
        let mut command = self.0.command(args);
        let path = format!("{}:/usr/bin:/bin", self.0.path("bin"));
        command.env("PATH", path);
        for name in ["ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"] {
            command.env_remove(name);
        }
        command
    }

    /// Writes a wheel into the index.
    pub(super) fn offer(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let path = self.0.folder().join("index").join(name);
        wheel(&path, files);
        path
    }

    pub(super) fn calls(&self) -> usize {
        fs::read_to_string(self.0.path("calls")).map_or(0, |calls| calls.lines().count())
    }

    /// Returns the names in a folder of the home, except hidden ones and locks.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.folder().join("home").join(folder));
        let names = entries.into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names
            .filter(|name| !name.starts_with('.') && !name.contains(".lock"))
            .collect();
        names.sort();
        names
    }

    /// Adds an active Python environment with a link to the library.
    pub(super) fn environment(&self, library: &Path) -> String {
        let capi = "environment/lib/python3.11/site-packages/onnxruntime/capi";
        let capi = self.0.folder().join(capi);
        fs::create_dir_all(&capi).unwrap();
        symlink(library, capi.join(library.file_name().unwrap())).unwrap();
        self.0.path("environment")
    }
}

/// Writes a wheel.
pub(super) fn wheel(path: &Path, files: &[(&str, &[u8])]) {
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}
