//! Installs ONNX Runtime for NVIDIA GPUs with NVIDIA's libraries, all in one folder: ONNX Runtime looks for
//! its providers there, and cuDNN for its parts.

use std::fs;
use std::path::{Path, PathBuf};

use super::options::Setup;
use super::sums;
use crate::backbones::RuntimeLibrary;
use crate::error::{Error, Result};
use crate::outputs;
use crate::progress::Progress;
use crate::tasks::packages::{FileOrigin, Wheel, remove};

/// Returns whether an earlier setup, which wrote no checksums, marked the library's folder as complete.
pub(super) fn is_marked(library: &Path) -> bool {
    library.with_file_name(".complete").exists()
}

/// Installs all pinned wheels; `given` has the files of some of them, in the order of the catalogue.
pub(super) fn install(
    setup: &Setup<'_>,
    given: &[Option<PathBuf>],
) -> Result<(PathBuf, FileOrigin)> {
    let (wheels, downloaded) = wheels(setup, given)?;
    let home = &setup.options.home;
    home.make(home.path())?;
    let staging =
        outputs::temporary_folder(home.path()).map_err(Error::io("create", home.path()))?;
    let staged = staging.path().join("new");
    fs::create_dir(&staged).map_err(Error::io("create", &staged))?;
    let mut names = Vec::new();
    for wheel in &wheels {
        names.extend(unpack(wheel, &staged, setup.progress)?);
    }
    let Some(library) = RuntimeLibrary::in_folder(&staged) else {
        return Err(Wheel::open(&wheels[0])?.lacks("libonnxruntime"));
    };
    RuntimeLibrary::at(&library)?;
    sums::write(&staged, &names)?;
    let place = home.runtime_cuda();
    if place.exists() {
        let old = staging.path().join("old");
        fs::rename(&place, old).map_err(Error::io("replace", &place))?;
    }
    outputs::take_place(&staged, &place)?;
    for wheel in &downloaded {
        remove(wheel);
    }
    let packages = setup.options.catalogue.cuda.iter();
    let pinned = packages.map(ToString::to_string).collect();
    let origin = match given.iter().flatten().next() {
        Some(file) if downloaded.is_empty() => FileOrigin::File(file.clone()),
        _ => FileOrigin::Pip(pinned),
    };
    let path = place.join(library.file_name().unwrap_or_default());
    Ok((path, origin))
}

/// Returns all wheels, and which of them were downloaded. Each is kept until all are installed.
fn wheels(setup: &Setup<'_>, given: &[Option<PathBuf>]) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let pinned = &setup.options.catalogue.cuda;
    let (mut wheels, mut downloaded) = (Vec::new(), Vec::new());
    setup.progress.begin("packages", pinned.len() as u64);
    let mut all = pinned.iter().zip(given);
    let ended = all.try_for_each(|(requirement, given)| {
        if let Some(file) = given {
            wheels.push(file.clone());
        } else {
            let wheel = setup.packages.download(requirement)?;
            downloaded.push(wheel.clone());
            wheels.push(wheel);
        }
        setup.progress.advance(1);
        Ok(())
    });
    setup.progress.end();
    ended.map(|()| (wheels, downloaded))
}

/// Writes the shared libraries of a wheel into a folder, and returns their names.
fn unpack(wheel: &Path, folder: &Path, progress: &dyn Progress) -> Result<Vec<String>> {
    let mut wheel = Wheel::open(wheel)?;
    let mut unpacked = Vec::new();
    for path in wheel.names() {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let is_library = name.starts_with("lib") && name.contains(".so");
        if !is_library || unpacked.iter().any(|known| known == name) {
            continue;
        }
        if progress.is_stopped() {
            return Err(Error::Interrupted { kept: None });
        }
        wheel.extract(&path, &folder.join(name))?;
        unpacked.push(name.to_owned());
    }
    Ok(unpacked)
}
