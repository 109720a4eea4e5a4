//! Looks up backbones: known ones, installed ones, and the user's own files.
//!
//! A plain name never refers to a file in the working directory: a file is recognised by a path separator or
//! the extension of a network or weight file ([`is_file_name`]). An installed backbone takes precedence over
//! a known one of the same name, because somebody installed it under that name on purpose; its SHA-256 keeps
//! features and heads of the two apart. Nothing in `models/` is used while other users can write to it.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::backbone_file::BackboneFile;
use super::home::Home;
use super::known_checksums;
use super::manifest::BackboneManifest;
use super::published::PublishedPreprocessing;
use crate::error::{BackboneError, Error, NetworkProblem, Result};

/// The name of the default backbone.
pub const DEFAULT_BACKBONE: &str = "efficientnet-lite0";

/// The files of `models/`, compiled in by `build.rs` and sorted by name.
const KNOWN: &[&str] = include!(concat!(env!("OUT_DIR"), "/known_manifests.rs"));

/// The backbones that are known or installed in a [`Home`].
#[derive(Debug, Clone)]
pub struct Registry {
    home: Home,
}

/// Extensions by which a file is distinguished from a name. Those of weights are included, so that the error
/// can say that the file is not a network.
const ENDINGS: [&str; 5] = ["onnx", "pth", "pt", "safetensors", "toml"];

/// Returns whether a name of a backbone is the path of a file: it has a path separator or the extension of a
/// file.
pub(crate) fn is_file_name(name: &Path) -> bool {
    let text = name.as_os_str().as_encoded_bytes();
    let has_ending =
        |ending: &std::ffi::OsStr| ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e));
    text.iter()
        .any(|&byte| std::path::is_separator(byte.into()))
        || name.extension().is_some_and(has_ending)
}

/// One backbone of a [`Listing`]: known, installed or both.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Installed {
    /// Its manifest.
    pub manifest: BackboneManifest,
    /// The path of its network, if it is installed.
    pub path: Option<PathBuf>,
}

/// The known and installed backbones of a home.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// The known or installed backbones, sorted by name.
    pub backbones: Vec<Installed>,
    /// Why other installed backbones cannot be listed; each error names the broken file.
    pub broken: Vec<Error>,
}

impl Registry {
    /// Creates the registry of a home.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self { home }
    }

    /// Returns the compiled-in manifests, sorted by name.
    ///
    /// # Panics
    /// Never: a test parses all of them.
    #[must_use]
    pub fn known() -> Vec<BackboneManifest> {
        KNOWN
            .iter()
            .map(|text| {
                text.parse()
                    .expect("the manifests in models/ are checked by a test")
            })
            .collect()
    }

    /// Returns the compiled-in manifest of this name.
    ///
    /// # Errors
    /// [`BackboneError::Unknown`] with the known names.
    pub fn known_by_name(name: &str) -> Result<BackboneManifest> {
        let known = Self::known();
        if let Some(found) = known.iter().find(|known| known.name == name) {
            return Ok(found.clone());
        }
        let unknown = BackboneError::Unknown {
            name: name.to_owned(),
            known: known.into_iter().map(|known| known.name).collect(),
        };
        Err(unknown.into())
    }

    /// Lists all known or installed backbones. A broken one does not hide the others.
    #[must_use]
    pub fn list(&self) -> Listing {
        let mut listing = Listing::default();
        let known = Self::known().into_iter();
        let all = &mut listing.backbones;
        all.extend(known.map(|manifest| Installed {
            manifest,
            path: None,
        }));
        for path in self.installed() {
            match self.open_installed(&path) {
                Ok(file) => {
                    all.retain(|known| known.manifest.name != file.manifest.name);
                    all.push(Installed {
                        manifest: file.manifest,
                        path: Some(file.path),
                    });
                }
                Err(error) => listing.broken.push(error),
            }
        }
        all.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
        listing
    }

    /// Returns the installed ONNX files, sorted by name.
    fn installed(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home.models());
        let paths = entries.into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = paths
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "onnx"))
            .collect();
        paths.sort();
        paths
    }

    /// Finds a backbone by its name, or by the path of an ONNX file, which needs a path separator or an
    /// extension. A file without a manifest has the preprocessing that was published with it, if any.
    ///
    /// # Errors
    /// [`BackboneError::Network`] with the available backbones if it is not found; [`BackboneError::Home`] if
    /// it is installed and other users can write to it.
    pub fn resolve(&self, name: &Path) -> Result<BackboneFile> {
        let mut file = self.find(name)?;
        if !file.has_manifest
            && let Some(published) = PublishedPreprocessing::beside(&file.path)?
        {
            file.manifest.preprocessing = published.preprocessing;
            file.published = Some(published);
        }
        Ok(file)
    }

    /// Does the same as [`Self::resolve`] for a network whose preprocessing is known, without reading the one
    /// that was published with it.
    pub(super) fn find(&self, name: &Path) -> Result<BackboneFile> {
        let backbones = || {
            let list = self.list().backbones.into_iter();
            list.map(|backbone| backbone.manifest.name).collect()
        };
        if is_neither(name) {
            let backbones = backbones();
            return Err(NetworkProblem::NoName { backbones }.at(name));
        }
        if is_file_name(name) {
            return open(name);
        }
        let installed = self.installed_path(name);
        if is_there(&installed) {
            return self.open_installed(&installed);
        }
        let not_installed = NetworkProblem::NotInstalled {
            place: installed,
            backbones: backbones(),
            is_file: name.exists(),
        };
        Err(not_installed.at(name))
    }

    /// Opens an installed network.
    fn open_installed(&self, path: &Path) -> Result<BackboneFile> {
        let beside = [
            path.with_extension("toml"),
            path.with_added_extension("data"),
        ];
        self.home.require_private(path)?;
        beside
            .iter()
            .try_for_each(|file| self.home.require_private(file))?;
        let file = open(path)?;
        let stem = path.file_stem().unwrap_or_default();
        if stem == &*file.manifest.name {
            return Ok(file);
        }
        let other = NetworkProblem::OtherManifest {
            name: stem.to_string_lossy().into_owned(),
            manifest: file.manifest.name,
        };
        Err(other.at(path))
    }

    /// Returns the manifest of a backbone that is installed, known, or the user's own file.
    ///
    /// # Errors
    /// Those of [`Self::resolve`], unless the backbone is known.
    pub fn manifest(&self, name: &Path) -> Result<BackboneManifest> {
        if !is_file_name(name)
            && !is_there(&self.installed_path(name))
            && let Ok(known) = Self::known_by_name(&name.to_string_lossy())
        {
            return Ok(known);
        }
        self.resolve(name).map(|file| file.manifest)
    }

    /// Returns whether a backbone of this name is installed.
    pub(crate) fn is_installed(&self, name: &Path) -> bool {
        is_there(&self.installed_path(name))
    }

    /// Returns the path where a backbone of this name would be installed.
    fn installed_path(&self, name: &Path) -> PathBuf {
        self.home.models().join(name).with_added_extension("onnx")
    }

    /// Returns [`BackboneFile::sha256`], which is cached as long as the size, times and inode of the files
    /// stay the same.
    ///
    /// # Errors
    /// Those of [`BackboneFile::sha256`].
    pub fn sha256(&self, file: &BackboneFile) -> Result<String> {
        known_checksums::sha256(&self.home, file)
    }

    /// Finds a network by its content: first at the path in `remembered`, then among the installed ones,
    /// starting with the one called `name`. Manifests are ignored, since those of other networks may be
    /// broken.
    ///
    /// # Errors
    /// [`BackboneError::Network`] if no file with that content is found; [`BackboneError::Home`] if other
    /// users can write to it.
    pub fn find_by_hash(
        &self,
        name: &str,
        sha256: &str,
        remembered: Option<&Path>,
    ) -> Result<BackboneFile> {
        let mut installed = self.installed();
        // `false` sorts before `true`, and the sort is stable.
        installed.sort_by_key(|path| path.file_stem().is_none_or(|stem| stem != name));
        let remembered = remembered.filter(|path| path.is_absolute() && path.is_file());
        let mut unreadable = Vec::new();
        for path in remembered.map(Path::to_owned).into_iter().chain(installed) {
            let file = without_manifest(&path);
            match self.sha256(&file) {
                Ok(found) if found == sha256 => {
                    if path.starts_with(self.home.models()) {
                        self.home.require_private(&path)?;
                    }
                    return Ok(file);
                }
                Ok(_) => {}
                Err(error) => unreadable.push(error.to_string()),
            }
        }
        let sha256 = sha256.to_owned();
        Err(NetworkProblem::NoContent { sha256, unreadable }.at(name))
    }
}

/// Returns whether anything exists at a path. Anything but a regular file is then refused on opening instead
/// of being skipped.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Returns whether a path, such as `..`, can neither be the name of a backbone nor a network: it has no
/// extension, and there is nothing, or a folder.
fn is_neither(path: &Path) -> bool {
    let mut parts = path.components();
    let is_name = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    let is_network = path.extension().is_some() || (is_there(path) && !path.is_dir());
    !is_name && !is_network
}

/// Opens a network file with the manifest next to it, or with ImageNet's defaults if there is none.
fn open(path: &Path) -> Result<BackboneFile> {
    fs::metadata(path).map_err(Error::io("read", path))?;
    let beside = path.with_extension("toml");
    let mut file = without_manifest(path);
    if is_there(&beside) {
        file.manifest = BackboneManifest::read(&beside)?;
        file.has_manifest = true;
    }
    Ok(file)
}

fn without_manifest(path: &Path) -> BackboneFile {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    BackboneFile {
        path: path.to_owned(),
        manifest: BackboneManifest::named(stem.to_string_lossy()),
        has_manifest: false,
        published: None,
    }
}

#[cfg(test)]
mod tests;
