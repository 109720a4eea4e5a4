//! `import`: builds and installs a backbone from a file of PyTorch weights.

use std::fs;
use std::path::{Path, PathBuf};

use super::guard::Overwrite;
use super::import_onnx::ImportNote;
use super::install::Staged;
use crate::backbones::{
    Architecture, BackboneManifest, Checksum, End, FeatureLayer, Home, Overrides,
    PublishedPreprocessing, Registry, Source, WeightsOf, is_file_name, onnx,
};
use crate::error::{Error, Result, TaskError, require};
use crate::images::Preprocessing;
use crate::inputs::{self, Links};
use crate::outputs;

/// The options of [`import`](crate::tasks::import()): what to import, and as what.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImportOptions {
    /// The file of weights (`.pth`).
    pub file: PathBuf,
    /// The architecture of the weights.
    pub arch: Architecture,
    /// Where the network ends: at its features, or after its classifier.
    pub end: End,
    /// Which weights to use if the file contains several of that architecture.
    pub weights: WeightsOf,
    /// The backbone's name; by default, the architecture's name.
    pub name: Option<String>,
    /// Changes to the known preprocessing.
    pub overrides: Overrides,
    /// The preprocessing that was published with the weights, instead of the architecture's.
    pub published: Option<Preprocessing>,
    /// Where the file comes from, unless it is that of a known backbone.
    pub origin: Option<Origin>,
    /// The `FROSTLINE_HOME` to install into.
    pub home: Home,
    /// Whether to replace another installed backbone of that name.
    pub overwrite: Overwrite,
}

impl ImportOptions {
    /// Imports the features of `arch` under the architecture's name, and replaces nothing.
    #[must_use]
    pub fn new(file: PathBuf, arch: Architecture, home: Home) -> Self {
        Self {
            file,
            arch,
            end: End::default(),
            weights: WeightsOf::default(),
            name: None,
            overrides: Overrides::default(),
            published: None,
            origin: None,
            home,
            overwrite: Overwrite::Refuse,
        }
    }
}

/// Where a file comes from, for the manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The source.
    pub source: Source,
    /// The licence of the weights.
    pub license: Option<String>,
    /// The preprocessing that was published with it.
    pub published: Option<PublishedPreprocessing>,
}

impl Origin {
    /// Returns source and licence.
    pub(super) fn parts(origin: Option<&Self>) -> (Option<Source>, Option<String>) {
        let origin = origin.cloned();
        origin.map_or((None, None), |origin| (Some(origin.source), origin.license))
    }
}

/// An installed backbone with weights from a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ImportedWeights {
    /// The installed `NAME.onnx`, next to its `NAME.toml`.
    pub path: PathBuf,
    /// Notes for the user: which weights were used, and which others there are.
    pub notes: Vec<ImportNote>,
}

/// Writes `NAME.onnx` and `NAME.toml` into the models of `FROSTLINE_HOME`.
///
/// # Errors
/// A file that is truncated, of another format or would run code; tensors that are missing, unexpected or of
/// another shape; several models that match; an invalid name, or that of another backbone; [`Error::Io`].
pub fn import(options: &ImportOptions) -> Result<ImportedWeights> {
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| options.arch.to_string());
    check_name(&name)?;
    require_file(&options.file)?;
    let (model, notes) = build(options)?;
    if options.overwrite == Overwrite::Refuse {
        refuse_known(&name, options)?;
    }
    let mut manifest = manifest(options, name)?;
    options.overrides.apply(&mut manifest);
    manifest.preprocessing.check()?;
    let models = options.home.models();
    options.home.make(&models)?;
    let staging = outputs::temporary_folder(&models).map_err(Error::io("create", &models))?;
    let network = staging.path().join("network.onnx");
    onnx::write_model(&model, &network)?;
    let staged = Staged {
        manifest: &manifest,
        network: &network,
        data: None,
    };
    let path = staged.install(&models, options.overwrite)?;
    Ok(ImportedWeights { path, notes })
}

/// Finds the weights and builds the network.
fn build(options: &ImportOptions) -> Result<(onnx::Spliced, Vec<ImportNote>)> {
    let (arch, end) = (options.arch, options.end);
    let mut checkpoint = onnx::open_checkpoint(&options.file)?;
    let found = arch.find(&mut checkpoint, end, &options.weights)?;
    let mut notes = Vec::new();
    if !found.place.is_plain() {
        let (wrapper, prefix) = (found.place.wrapper, found.place.prefix);
        notes.push(ImportNote::Wrapped { wrapper, prefix });
    }
    if !found.others.is_empty() {
        let names = found.others.iter().map(ToString::to_string);
        notes.push(ImportNote::OtherWeights(names.collect()));
    }
    Ok((arch.build(&found.weights, end)?, notes))
}

/// Refuses a known name for other weights than the known ones. An architecture's name is allowed for any of
/// its weights if the known backbone of that name is not made from weights of that architecture.
fn refuse_known(name: &str, options: &ImportOptions) -> Result<()> {
    let Ok(known) = Registry::known_by_name(name) else {
        return Ok(());
    };
    let arch = options.arch.to_string();
    let of_arch = |source: &Source| source.arch.as_deref() == Some(&*arch);
    let is_known = match known.source.filter(of_arch) {
        Some(source) => is_from(&source, &options.file)?,
        None => name == arch,
    };
    if is_known {
        return Ok(());
    }
    let (name, file) = (name.to_owned(), options.file.clone());
    Err(TaskError::KnownName { name, file }.into())
}

fn is_from(source: &Source, file: &Path) -> Result<bool> {
    let bytes = fs::metadata(file).map_err(Error::io("read", file))?.len();
    Ok(bytes == source.bytes && Checksum::of_files(&[file.to_owned()])? == source.sha256)
}

/// Returns the manifest under `name`: that of the known weights of the architecture, or `ImageNet` defaults.
/// Source and licence are kept only if the file is the known one; otherwise, they are those of its origin.
fn manifest(options: &ImportOptions, name: String) -> Result<BackboneManifest> {
    let arch = options.arch.to_string();
    // The known network of the same name may be from another source: the ONNX Model Zoo's VGG19 is another
    // file under another licence.
    let is_of_arch = |known: &BackboneManifest| {
        let source = known.source.as_ref();
        source.and_then(|source| source.arch.as_deref()) == Some(&*arch)
    };
    let known = Registry::known().into_iter().find(is_of_arch);
    let mut manifest = known.unwrap_or_else(|| BackboneManifest::named(""));
    let is_known = match &manifest.source {
        Some(source) => is_from(source, &options.file)?,
        None => false,
    };
    if !is_known {
        (manifest.source, manifest.license) = Origin::parts(options.origin.as_ref());
    }
    manifest.preprocessing = options.published.unwrap_or(manifest.preprocessing);
    match options.end {
        End::Features => manifest.features.layer = Some("features".to_owned()),
        End::Logits => {
            manifest.features = FeatureLayer {
                layer: Some("logits".to_owned()),
                ..FeatureLayer::default()
            };
        }
    }
    Ok(BackboneManifest { name, ..manifest })
}

/// Checks that a backbone's name is valid as a file name without extension on all systems.
pub(super) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_plain = !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
    require(
        is_plain && !is_file_name(Path::new(name)),
        "name",
        name,
        "letters, digits, `-`, `_` and `.` only, without a file extension",
    )
}

/// Checks that `path` is a regular file: reading a pipe or device could block.
pub(super) fn require_file(path: &Path) -> Result<()> {
    let opened = inputs::open(path, Links::Follow);
    opened.map(drop).map_err(Error::io("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns options for a file of unknown weights.
    fn fine_tuned(folder: &Path, arch: &str) -> ImportOptions {
        let file = folder.join("fine-tuned.pth");
        std::fs::write(&file, "other weights").unwrap();
        ImportOptions::new(file, arch.parse().unwrap(), Home::at(folder))
    }

    #[test]
    fn other_weights_have_not_the_source_of_the_known_ones() {
        let folder = tempfile::tempdir().unwrap();
        let known = Registry::known_by_name("efficientnet-lite0").unwrap();
        assert!(known.source.is_some() && known.license.is_some());
        let options = fine_tuned(folder.path(), "efficientnet-lite0");
        let made = manifest(&options, "mine".to_owned()).unwrap();
        assert_eq!((made.source, made.license), (None, None));
        assert_eq!(made.preprocessing, known.preprocessing);
        assert_eq!(made.features.num_features, known.features.num_features);
    }

    #[test]
    fn a_name_is_no_files_name() {
        for name in ["mine", "vgg-1.5", "a_b"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", ".a", "a/b", "a.onnx", "a.PTH", "a b", "é"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_known_name_stands_for_its_own_weights() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, arch: &str| {
            let options = fine_tuned(folder.path(), arch);
            refuse_known(name, &options).is_err()
        };
        assert!(refused("efficientnet-lite0", "efficientnet-lite0"));
        assert!(refused("efficientnet-lite0", "vgg11"));
        assert!(refused("vgg19", "vgg16"));
        // The known `vgg19` is not made from torchvision's weights.
        assert!(!refused("vgg19", "vgg19"));
        assert!(!refused("mine", "efficientnet-lite0"));
    }
}
