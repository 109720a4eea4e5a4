//! Backbones by name: those that frostline knows, those that are installed, and files of one's own.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::home::Home;
use super::manifest::BackboneManifest;
use super::outline::Outline;
use crate::error::{Error, Result};

/// The backbone that is used where none is named.
pub const DEFAULT_BACKBONE: &str = "efficientnet-lite0";

/// The manifests compiled into the library: one file in `models/` each.
const KNOWN: &[&str] = &[include_str!("../../models/efficientnet-lite0.toml")];

/// The backbones of one [`Home`].
#[derive(Debug, Clone)]
pub struct Registry {
    home: Home,
}

/// A network that lies on disk, with its manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct BackboneFile {
    /// The ONNX file.
    pub path: PathBuf,
    /// What is known of it.
    pub manifest: BackboneManifest,
    /// Whether the manifest was found, or stands for one that is missing.
    pub has_manifest: bool,
}

/// A backbone in a list: known, installed or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// What is known of it.
    pub manifest: BackboneManifest,
    /// Where it lies, if it is installed.
    pub path: Option<PathBuf>,
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

    /// All backbones that are known or installed, in order of their names.
    ///
    /// # Errors
    /// A manifest beside an installed network that cannot be read.
    pub fn list(&self) -> Result<Vec<Installed>> {
        let mut all: Vec<Installed> = Self::known()
            .into_iter()
            .map(|manifest| Installed {
                manifest,
                path: None,
            })
            .collect();
        for file in self.installed()? {
            all.retain(|known| known.manifest.name != file.manifest.name);
            all.push(Installed {
                manifest: file.manifest,
                path: Some(file.path),
            });
        }
        all.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
        Ok(all)
    }

    fn installed(&self) -> Result<Vec<BackboneFile>> {
        let Ok(entries) = fs::read_dir(self.home.models()) else {
            return Ok(Vec::new());
        };
        let paths = entries.flatten().map(|entry| entry.path());
        paths
            .filter(|path| path.extension().is_some_and(|e| e == "onnx"))
            .map(|path| open(&path))
            .collect()
    }

    /// A backbone by its name, or by the path of an ONNX file.
    ///
    /// # Errors
    /// [`Error::Network`] where it is not there, with what there is and how to get it.
    pub fn resolve(&self, name: &Path) -> Result<BackboneFile> {
        let is_file = name.components().count() > 1
            || name
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("onnx"));
        if is_file || name.is_file() {
            return open(name);
        }
        let installed = self.home.models().join(name).with_added_extension("onnx");
        if installed.is_file() {
            return open(&installed);
        }
        let known = self
            .list()?
            .into_iter()
            .map(|b| b.manifest.name)
            .collect::<Vec<_>>();
        let hint = if known.iter().any(|k| Path::new(k) == name) {
            format!(
                "run `scripts/setup.sh`, or put the network at `{}`",
                installed.display()
            )
        } else {
            format!(
                "the backbones are {}; or give the path of an .onnx file",
                known.join(", ")
            )
        };
        Err(Error::Network {
            path: name.to_owned(),
            problem: "it is not installed".to_owned(),
            hint,
        })
    }

    /// The manifest of a backbone that is installed, known, or a file of one's own.
    ///
    /// # Errors
    /// As [`Self::resolve`], where it is not known either.
    pub fn manifest(&self, name: &Path) -> Result<BackboneManifest> {
        let resolved = self.resolve(name).map(|file| file.manifest);
        resolved.or_else(|error| {
            let known = Self::known()
                .into_iter()
                .find(|known| Path::new(&known.name) == name);
            known.ok_or(error)
        })
    }

    /// Finds a network again by its content: at a remembered place, then among the installed ones.
    ///
    /// # Errors
    /// [`Error::Network`] where no file of that content is found.
    pub fn find_by_hash(
        &self,
        name: &str,
        sha256: &str,
        remembered: Option<&Path>,
    ) -> Result<BackboneFile> {
        let remembered = remembered
            .filter(|path| path.is_file())
            .map(open)
            .transpose()?;
        for file in remembered.into_iter().chain(self.installed()?) {
            if file.sha256()? == sha256 {
                return Ok(file);
            }
        }
        let hint = format!(
            "install `{name}` again (see `frostline models list`), or name its file with --backbone FILE"
        );
        let problem = format!("no network with SHA-256 {sha256:.16}… is installed");
        Err(Error::Network {
            path: name.into(),
            problem,
            hint,
        })
    }
}

/// A network file with the manifest beside it; without one, the known manifest of that name or ImageNet's defaults.
fn open(path: &Path) -> Result<BackboneFile> {
    fs::metadata(path).map_err(Error::io("read", path))?;
    let beside = path.with_extension("toml");
    if beside.is_file() {
        let manifest = BackboneManifest::read(&beside)?;
        return Ok(BackboneFile {
            path: path.to_owned(),
            manifest,
            has_manifest: true,
        });
    }
    let stem = path
        .file_stem()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    Ok(BackboneFile {
        path: path.to_owned(),
        manifest: BackboneManifest::named(stem),
        has_manifest: false,
    })
}

impl BackboneFile {
    /// SHA-256 of the ONNX file and then of each file of external data, in lower-case hex.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] where it is no ONNX file.
    pub fn sha256(&self) -> Result<String> {
        let mut hasher = Sha256::new();
        let external = Outline::read(&self.path)?.external_files(&self.path)?;
        for path in [self.path.clone()].iter().chain(&external) {
            hash_file(path, &mut hasher)?;
        }
        Ok(hex(&hasher.finalize()))
    }
}

fn hash_file(path: &Path, hasher: &mut Sha256) -> Result<()> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(Error::io("read", path))?;
        if read == 0 {
            return Ok(());
        }
        hasher.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_manifests_are_right() {
        let known = Registry::known();
        assert!(
            known
                .iter()
                .any(|manifest| manifest.name == DEFAULT_BACKBONE)
        );
        assert!(known.is_sorted_by(|a, b| a.name < b.name));
        for manifest in known {
            manifest.preprocessing.check().unwrap();
        }
    }

    #[test]
    fn sha256_is_the_standard_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        let mut hasher = Sha256::new();
        hash_file(&path, &mut hasher).unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            hex(&hasher.finalize()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let registry = Registry::new(Home::at("/nonexistent"));
        let error = registry.resolve(Path::new("no-such-net")).unwrap_err();
        assert!(
            error.to_string().contains("no-such-net")
                && error.hint().unwrap().contains(DEFAULT_BACKBONE)
        );
    }
}
