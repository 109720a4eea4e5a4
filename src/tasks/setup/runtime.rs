//! Installs ONNX Runtime's library for the CPU.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::options::Setup;
use super::sums;
use crate::backbones::RuntimeLibrary;
use crate::error::{Error, Result};
use crate::inputs::{self, Links};
use crate::outputs;
use crate::tasks::packages::{FileOrigin, Wheel, remove};

/// The folder of ONNX Runtime's libraries in its Python package.
const IN_PACKAGE: &str = "onnxruntime/capi";

/// A file that contains ONNX Runtime's library.
#[derive(Debug)]
pub(super) enum RuntimeFile {
    Library(PathBuf),
    Wheel(PathBuf),
}

impl RuntimeFile {
    pub(super) fn path(&self) -> &PathBuf {
        match self {
            Self::Library(file) | Self::Wheel(file) => file,
        }
    }
}

/// Returns whether the library can be loaded.
pub(super) fn works(library: &Path) -> bool {
    RuntimeLibrary::at(library).is_ok()
}

/// Returns the path of the library in a wheel; `None` also for the library of a GPU, which is not alone.
pub(super) fn name_in_wheel(names: &[String]) -> Option<&String> {
    let below = |name: &String| {
        let rest = name.strip_prefix(IN_PACKAGE)?.strip_prefix('/')?;
        Some(rest.to_owned())
    };
    if names
        .iter()
        .filter_map(below)
        .any(|name| is_for_gpus(&name))
    {
        return None;
    }
    let mut names = names.iter();
    names.find(|name| below(name).is_some_and(|name| RuntimeLibrary::is_name(&name)))
}

fn is_for_gpus(name: &str) -> bool {
    name.contains("onnxruntime_providers_cuda")
}

/// Installs the library from the given file, an active Python environment or its pinned wheel.
pub(super) fn install(
    setup: &Setup<'_>,
    given: Option<&RuntimeFile>,
) -> Result<(PathBuf, FileOrigin)> {
    match given {
        Some(RuntimeFile::Library(file)) => {
            let path = install_library(setup, file)?;
            return Ok((path, FileOrigin::File(file.clone())));
        }
        Some(RuntimeFile::Wheel(file)) => {
            let path = install_wheel(setup, file)?;
            return Ok((path, FileOrigin::File(file.clone())));
        }
        None => {}
    }
    for folder in setup.packages.installed(IN_PACKAGE)? {
        if let Some(library) = usable(&folder) {
            let path = install_library(setup, &library)?;
            return Ok((path, FileOrigin::Environment(library)));
        }
    }
    let requirement = &setup.options.catalogue.runtime;
    let wheel = setup.packages.download(requirement)?;
    let path = install_wheel(setup, &wheel)?;
    remove(&wheel);
    Ok((path, FileOrigin::Pip(vec![requirement.to_string()])))
}

/// Returns the library in a folder of a Python environment, if it works alone.
fn usable(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = files.map(|file| file.file_name());
    if names.any(|name| is_for_gpus(&name.to_string_lossy())) {
        return None;
    }
    RuntimeLibrary::in_folder(folder).filter(|library| works(library))
}

fn install_library(setup: &Setup<'_>, file: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(file).map_err(Error::io("read", file))?;
    RuntimeLibrary::at(&absolute)?;
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| RuntimeLibrary::is_name(name));
    let name = name.map_or_else(RuntimeLibrary::plain_name, str::to_owned);
    place(setup, &name, |to| {
        let mut from = inputs::open(file, Links::Follow).map_err(Error::io("read", file))?;
        outputs::write(to, |out| {
            let copied = io::copy(&mut from, out);
            copied.map(drop).map_err(Error::io("write", to))
        })
    })
}

fn install_wheel(setup: &Setup<'_>, file: &Path) -> Result<PathBuf> {
    let mut wheel = Wheel::open(file)?;
    let names = wheel.names();
    let inside = name_in_wheel(&names).ok_or_else(|| wheel.lacks(IN_PACKAGE))?;
    let name = inside.rsplit('/').next().unwrap_or_default();
    place(setup, name, |to| wheel.extract(inside, to))
}

/// Writes the library beside its place, loads it from there, and renames it.
fn place(
    setup: &Setup<'_>,
    name: &str,
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let home = &setup.options.home;
    let folder = home.runtime();
    home.make(&folder)?;
    let staging = outputs::temporary_folder(&folder).map_err(Error::io("create", &folder))?;
    let staged = staging.path().join(name);
    write(&staged)?;
    RuntimeLibrary::at(&staged)?;
    let path = folder.join(name);
    outputs::take_place(&staged, &path)?;
    sums::write(&folder, &[name.to_owned()])?;
    // Another version could be chosen instead of the one that was just checked.
    while let Some(other) = RuntimeLibrary::in_folder(&folder).filter(|other| *other != path) {
        fs::remove_file(&other).map_err(Error::io("remove", &other))?;
    }
    Ok(path)
}
