//! Finds the network that features or a head were made with: installed, given as a file, or in a bundle.

use std::path::Path;

use super::backbone_file::BackboneFile;
use super::bundle::Bundle;
use super::home::Home;
use super::manifest::BackboneManifest;
use super::registry::Registry;
use super::spec::{BackboneId, FeatureSpec};
use crate::error::{BackboneError, Result};
use crate::outputs::TemporaryFolder;

/// A network with the SHA-256 of a specification.
#[derive(Debug)]
pub(crate) struct Located {
    /// The file. Its manifest has the layer and preprocessing of the specification.
    pub(crate) file: BackboneFile,
    /// The folder that it was unpacked to, which is removed when this is dropped.
    pub(crate) unpacked: Option<TemporaryFolder>,
    /// The manifest of the bundle that it was unpacked from.
    bundled: Option<BackboneManifest>,
}

impl Located {
    /// Finds the network of a specification; `file` is its name or path if it is not installed.
    ///
    /// # Errors
    /// [`BackboneError::Network`] if it is not found; [`BackboneError::OtherNetwork`] if `file` or the
    /// network in the bundle is a different one; those of a bundle that cannot be read.
    pub(crate) fn of(spec: &FeatureSpec, file: Option<&Path>, home: &Home) -> Result<Self> {
        let registry = Registry::new(home.clone());
        let id = &spec.backbone;
        let mut located = match file {
            Some(name) => {
                let found = registry.find(name)?;
                require(id, &found.path, registry.sha256(&found)?)?;
                Self::at(found)
            }
            None => Self::search(id, &registry, home)?,
        };
        let manifest = &mut located.file.manifest;
        manifest.preprocessing = spec.preprocessing;
        manifest.features.layer = Some(id.layer.clone());
        manifest.features.pool = Some(id.pool);
        manifest.features.map = id.map;
        manifest.features.prefix_tokens = Some(id.prefix_tokens);
        manifest.features.num_features = Some(id.num_features);
        Ok(located)
    }

    fn at(file: BackboneFile) -> Self {
        Self {
            file,
            unpacked: None,
            bundled: None,
        }
    }

    fn search(id: &BackboneId, registry: &Registry, home: &Home) -> Result<Self> {
        // The network is found by its hash, so it need not be hashed again.
        let remembered = id.file.as_deref().map(Path::new);
        let installed = registry.find_by_hash(&id.name, &id.sha256, remembered);
        let missing = match installed {
            Ok(found) => return Ok(Self::at(found)),
            Err(missing) => missing,
        };
        let bundle = id.bundle.as_deref().map(Bundle::open).transpose()?;
        let Some(bundle) = bundle.flatten() else {
            return Err(missing);
        };
        let unpacked = bundle.unpack(home)?;
        let file = BackboneFile {
            published: None,
            path: unpacked.path,
            manifest: BackboneManifest::named(&*id.name),
            has_manifest: false,
        };
        // The copy will be gone when the error is read.
        require(
            id,
            id.bundle.as_deref().unwrap_or(&file.path),
            unpacked.sha256,
        )?;
        Ok(Self {
            file,
            unpacked: Some(unpacked.folder),
            bundled: bundle.manifest().ok(),
        })
    }

    /// Returns the network with its full manifest: licence and source are those of the manifest next to it,
    /// of its bundle, or of the known backbone with the same SHA-256.
    pub(crate) fn described(&self, id: &BackboneId) -> BackboneFile {
        let beside = || BackboneManifest::read(&self.file.path.with_extension("toml")).ok();
        let known = || {
            let known = Registry::known().into_iter();
            let is_it = |known: &BackboneManifest| known.sha256.as_ref() == Some(&id.sha256);
            known.into_iter().find(is_it)
        };
        let same = |found: &BackboneManifest| {
            let sum = found.sha256.as_ref();
            sum.is_none_or(|sum| *sum == id.sha256)
        };
        let found = self.bundled.clone().or_else(beside).filter(same);
        let found = found.or_else(known);
        let (license, source) = found.map(|found| (found.license, found.source)).unzip();
        let mut file = self.file.clone();
        file.manifest.name.clone_from(&id.name);
        file.manifest.sha256 = Some(id.sha256.clone());
        file.manifest.license = license.flatten();
        file.manifest.source = source.flatten();
        file
    }
}

fn require(id: &BackboneId, path: &Path, sha256: String) -> Result<()> {
    if sha256 == id.sha256 {
        return Ok(());
    }
    let other = BackboneError::OtherNetwork {
        path: path.to_owned(),
        sha256,
        name: id.name.clone(),
        wanted: id.sha256.clone(),
    };
    Err(other.into())
}
