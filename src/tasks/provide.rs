//! Installs a known backbone whose Python package is in frostline's own environment, so that it can be used
//! offline without a setup.

use std::path::{Path, PathBuf};

use super::import::{ImportOptions, import};
use crate::backbones::{BackboneId, Checksum, Home, Registry, is_file_name};
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

/// Does the same for the backbone of a head, unless a bundle or a file has the network. An error is left to
/// the search for the network, which fails too if the network is needed; with stored features, it is not.
pub fn provide_for(backbone: &BackboneId, file: Option<&Path>, home: &Home) {
    if backbone.bundle.is_none() && file.is_none() {
        let _ = provide(Path::new(&backbone.name), home);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is known is installed in the tests of the wheel (`python/tests/test_environment.py`).
    #[test]
    fn only_the_known_weights_of_a_known_name_are_used() {
        let folder = tempfile::tempdir().unwrap();
        let known = Registry::known_by_name("efficientnet-lite0").unwrap();
        let file = folder.path().join(known.source.unwrap().file.unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "other weights").unwrap();
        let home = Home::at(folder.path().join("home")).with_packages(vec![folder.path().into()]);
        let names = ["efficientnet-lite0", "vgg19", "unknown", "net.onnx", "a/b"];
        for name in names {
            assert_eq!(provide(name.as_ref(), &home).unwrap(), None, "{name}");
        }
        assert!(!folder.path().join("home").exists());
    }
}
