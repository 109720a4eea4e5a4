//! Folders that tests start from, with a home, images, a store and a head; created once and copied.

use frostline::head::{HeadFile, TrainingRecord};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use frostline::backbones::{BackboneManifest, DEFAULT_BACKBONE};
use frostline::features::{Digest, FeatureStore, Index};
use frostline::images::{Crop, Resize};

use super::binary::{Ran, command, installed_home, run};
use super::networks::two_outputs;
use super::pictures::two_classes;

/// Files by their path relative to a root.
pub(crate) type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// A temporary folder for one test.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Creates a folder with `home`: ONNX Runtime and, because it is fast, [`two_outputs`] as the default
    /// backbone. Returns `None` and prints why if ONNX Runtime is not installed.
    pub(crate) fn installed() -> Option<Self> {
        let runtime = installed_home()?.join("runtime");
        let place = Self::empty();
        let models = place.folder().join("home/models");
        fs::create_dir_all(&models).unwrap();
        link(&runtime, &place.folder().join("home/runtime"));
        let network = models.join(DEFAULT_BACKBONE).with_added_extension("onnx");
        two_outputs(&network, 1.0);
        let mut manifest = BackboneManifest::named(DEFAULT_BACKBONE);
        manifest.features.layer = Some("map".to_owned());
        manifest.preprocessing.resize = Resize::Exact(8, 8);
        manifest.preprocessing.crop = Crop::None;
        fs::write(network.with_extension("toml"), manifest.to_toml()).unwrap();
        Some(place)
    }

    /// Adds `images/{blue,red}/{0…5}.png`, their features in `store`, a head `trained` on them, and the same
    /// `head` without its training record.
    pub(crate) fn fitted() -> Option<Self> {
        let place = Self::installed()?;
        for (name, bytes) in made_once() {
            let path = place.folder().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Some(place)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Returns a path in the folder as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder().join(name).display().to_string()
    }

    /// Replaces `{dir}` in `text` with the folder.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("{dir}", &self.folder().display().to_string())
    }

    /// Returns a command that runs the binary with this home; `{dir}` in an argument is the folder.
    pub(crate) fn command_of(&self, args: impl IntoIterator<Item = impl AsRef<str>>) -> Command {
        let mut command = command(args.into_iter().map(|arg| self.fill(arg.as_ref())));
        command.env("FROSTLINE_HOME", self.path("home"));
        command
    }

    /// Returns the same for a line of arguments separated by spaces.
    pub(crate) fn command(&self, line: &str) -> Command {
        self.command_of(line.split_whitespace())
    }

    /// Runs the binary with a line of arguments.
    pub(crate) fn frostline(&self, line: &str) -> Ran {
        run(&mut self.command(line))
    }
}

fn made_once() -> &'static Tree {
    static FILES: OnceLock<Tree> = OnceLock::new();
    FILES.get_or_init(|| {
        let place = Place::installed().expect("checked by the caller");
        two_classes(&place.folder().join("images"), 6, 0);
        place
            .frostline("extract {dir}/images -o {dir}/store")
            .exits(0);
        place
            .frostline("fit-head {dir}/store -o {dir}/trained")
            .exits(0);
        let head = HeadFile {
            record: TrainingRecord::default(),
            ..HeadFile::read(place.path("trained")).unwrap()
        };
        head.write(place.path("head")).unwrap();
        tree(place.folder())
    })
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) {
    let target = std::path::absolute(target).unwrap();
    std::os::unix::fs::symlink(target, link).unwrap();
}

#[cfg(not(unix))]
fn link(target: &Path, link: &Path) {
    fs::create_dir(link).unwrap();
    for file in fs::read_dir(target).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), link.join(file.file_name())).unwrap();
    }
}

/// Writes a script that can be run, and its folder.
#[cfg(unix)]
pub(crate) fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Reads all files in a folder, recursively; links are skipped.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut files = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let (kind, path) = entry.map(|e| (e.file_type().unwrap(), e.path())).unwrap();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let name = path.strip_prefix(root).unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// Reads a store's index and the features of each image.
pub(crate) fn contents(store: &str) -> (Index, HashMap<Digest, Vec<f32>>) {
    let store = FeatureStore::open(store.as_ref()).unwrap();
    let digests: Vec<Digest> = store.index().used().map(|(_, digest)| digest).collect();
    let features = store.features(&digests).unwrap();
    let rows = features.outer_iter().map(|row| row.to_vec());
    (
        store.index().clone(),
        digests.into_iter().zip(rows).collect(),
    )
}
