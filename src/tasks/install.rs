//! Installs a backbone: `NAME.onnx`, its external weights `NAME.onnx.data` if it has any, and `NAME.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use super::guard::Overwrite;
use crate::backbones::{BackboneManifest, Checksum};
use crate::error::{Difference, Error, Result, TaskError};
use crate::inputs::{self, Links};
use crate::outputs;

/// A network that is ready to be installed, in its own temporary folder.
pub(super) struct Staged<'a> {
    pub(super) manifest: &'a BackboneManifest,
    pub(super) network: &'a Path,
    /// Its external weights, if it has any.
    pub(super) data: Option<&'a Path>,
}

impl Staged<'_> {
    /// Moves it into the folder of models and returns the network's path.
    ///
    /// The manifest is written first: a network without one would be used with the wrong preprocessing.
    ///
    /// # Errors
    /// [`TaskError::InstalledName`] if another backbone of that name is installed; [`Error::Io`].
    pub(super) fn install(&self, models: &Path, overwrite: Overwrite) -> Result<PathBuf> {
        let path = models
            .join(&self.manifest.name)
            .with_added_extension("onnx");
        if overwrite == Overwrite::Refuse {
            self.refuse_another(&path)?;
        }
        let files = [Some(self.network), self.data].into_iter().flatten();
        let files: Vec<PathBuf> = files.map(Path::to_owned).collect();
        let manifest = BackboneManifest {
            sha256: Some(Checksum::of_files(&files)?),
            ..self.manifest.clone()
        }
        .to_toml();
        outputs::write_bytes(&path.with_extension("toml"), manifest.as_bytes())?;
        let data_path = path.with_added_extension("data");
        if let Some(data) = self.data {
            outputs::take_place(data, &data_path)?;
        }
        outputs::take_place(self.network, &path)?;
        if self.data.is_none() {
            // Weights left by an earlier network of this name, which nothing reads any more.
            let _ = fs::remove_file(&data_path);
        }
        Ok(path)
    }

    fn refuse_another(&self, path: &Path) -> Result<()> {
        let manifest_path = path.with_extension("toml");
        let data_path = path.with_added_extension("data");
        let differs = match () {
            () if differ(self.network, path)? => Difference::Network,
            () if self
                .data
                .map_or(Ok(false), |data| differ(data, &data_path))? =>
            {
                Difference::Weights
            }
            () if manifest_path.exists() && !self.has_manifest(&manifest_path) => {
                Difference::Settings
            }
            () => return Ok(()),
        };
        let name = self.manifest.name.clone();
        Err(TaskError::InstalledName { name, differs }.into())
    }

    /// Returns whether the manifest at `path` describes the same features; its source may differ.
    fn has_manifest(&self, path: &Path) -> bool {
        BackboneManifest::read(path).is_ok_and(|installed| {
            installed.features == self.manifest.features
                && installed.preprocessing == self.manifest.preprocessing
        })
    }
}

/// Returns whether there is a file at `path` whose content differs from that of `new`.
fn differ(new: &Path, path: &Path) -> Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let length = |path: &Path| fs::metadata(path).map(|file| file.len());
    let digest = |path: &Path| {
        let mut hasher = blake3::Hasher::new();
        let hasher = hasher.update_reader(inputs::open(path, Links::Follow)?);
        hasher.map(|hasher| hasher.finalize())
    };
    let same = |a, b| Ok(length(a)? == length(b)? && digest(a)? == digest(b)?);
    same(new, path)
        .map(|same| !same)
        .map_err(Error::io("read", path))
}
