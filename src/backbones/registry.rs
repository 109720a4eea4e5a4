//! Backbones by name: those that frostline knows, those that are installed, and files of one's own.
//!
//! A name is a name, and never a file of the working directory: a file has a path separator or an ending that
//! networks and weights have ([`is_file_name`]). An installed backbone comes before a known one of the same
//! name: whoever installs another network under a known name has asked for that, and features and heads are
//! told apart by its SHA-256. Nothing is taken from `models/` while others can write to it.

use std::fs;
use std::path::{Path, PathBuf};

use super::backbone_file::BackboneFile;
use super::home::Home;
use super::known_checksums;
use super::manifest::BackboneManifest;
use crate::error::{BackboneError, Error, NetworkProblem, Result};

/// The name of the default backbone.
pub const DEFAULT_BACKBONE: &str = "efficientnet-lite0";

/// The files of `models/`, compiled in by `build.rs` in order of their names.
const KNOWN: &[&str] = include!(concat!(env!("OUT_DIR"), "/known_manifests.rs"));

/// The backbones of one [`Home`].
#[derive(Debug, Clone)]
pub struct Registry {
    home: Home,
}

/// Endings of files that are given in a name's place: networks, and weights, which are told that they are
/// none.
const ENDINGS: [&str; 5] = ["onnx", "pth", "pt", "safetensors", "toml"];

/// Whether text that names a backbone is the path of a file: it has a path separator, or the ending of one.
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
    /// What is known of it.
    pub manifest: BackboneManifest,
    /// Where it lies, if it is installed.
    pub path: Option<PathBuf>,
}

/// The backbones of a home.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// Those that are known or installed, in order of their names.
    pub backbones: Vec<Installed>,
    /// Why others that are installed cannot be listed: each error names the file at fault.
    pub broken: Vec<Error>,
}

impl Registry {
    /// The registry of a home.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self { home }
    }

    /// The manifests that are compiled in, in order of their names.
    ///
    /// # Panics
    /// Never: a test reads them all.
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

    /// A manifest that is compiled in.
    ///
    /// # Errors
    /// [`BackboneError::Unknown`] with the names that there are.
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

    /// All backbones that are known or installed. One that is broken hides no other.
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

    /// The installed ONNX files, in order of their names.
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

    /// A backbone by its name, or by the path of an ONNX file, which has a path separator or an ending.
    ///
    /// # Errors
    /// [`BackboneError::Network`] where it is not there, with what there is; [`BackboneError::Home`] where
    /// others can write to an installed one.
    pub fn resolve(&self, name: &Path) -> Result<BackboneFile> {
        if is_file_name(name) {
            return open(name);
        }
        let installed = self.installed_path(name);
        if is_there(&installed) {
            return self.open_installed(&installed);
        }
        let list = self.list().backbones;
        let not_installed = NetworkProblem::NotInstalled {
            place: installed,
            backbones: list.into_iter().map(|b| b.manifest.name).collect(),
            is_file: name.exists(),
        };
        Err(not_installed.at(name))
    }

    /// One of the files in the home.
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

    /// The manifest of a backbone that is installed, known, or a file of one's own.
    ///
    /// # Errors
    /// As [`Self::resolve`], where it is not known either.
    pub fn manifest(&self, name: &Path) -> Result<BackboneManifest> {
        if !is_file_name(name)
            && !is_there(&self.installed_path(name))
            && let Ok(known) = Self::known_by_name(&name.to_string_lossy())
        {
            return Ok(known);
        }
        self.resolve(name).map(|file| file.manifest)
    }

    /// Where a backbone of this name is installed.
    fn installed_path(&self, name: &Path) -> PathBuf {
        self.home.models().join(name).with_added_extension("onnx")
    }

    /// [`BackboneFile::sha256`], which is remembered as long as the file's size, times and inode stay the
    /// same.
    ///
    /// # Errors
    /// Those of [`BackboneFile::sha256`].
    pub fn sha256(&self, file: &BackboneFile) -> Result<String> {
        known_checksums::sha256(&self.home, file)
    }

    /// Finds a network again by its content: at a remembered place, then among the installed ones, that of
    /// its name first. Manifests play no part: what belongs to other networks may be broken.
    ///
    /// # Errors
    /// [`BackboneError::Network`] where no file of that content is found; [`BackboneError::Home`] where
    /// others can write to it.
    pub fn find_by_hash(
        &self,
        name: &str,
        sha256: &str,
        remembered: Option<&Path>,
    ) -> Result<BackboneFile> {
        let mut installed = self.installed();
        // False comes before true, and the sort keeps the order of equals.
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

/// Whether there is anything at a path: what is no file is refused when it is opened, not passed over.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A network file with the manifest beside it; without one, the known manifest of that name or ImageNet's
/// defaults.
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
    }
}

#[cfg(test)]
mod tests;
