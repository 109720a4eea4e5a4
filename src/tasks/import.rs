//! `models import`: a file of PyTorch weights to an installed backbone.

use std::path::{Path, PathBuf};

use super::guard::Overwrite;
use super::install::{Staged, another};
use crate::backbones::architectures::{Architecture, End};
use crate::backbones::weights::read_state_dict;
use crate::backbones::{
    BackboneManifest, FeatureLayer, Home, KnownFile, Overrides, Registry, Source, onnx,
};
use crate::error::{Error, Result};
use crate::outputs;

/// What to import, and as what.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The file of weights (`.pth`).
    pub file: PathBuf,
    /// The architecture that they are of.
    pub arch: Architecture,
    /// Where the network ends: at its features, or with its classifier.
    pub end: End,
    /// The backbone's name; the architecture's by default.
    pub name: Option<String>,
    /// What differs from the known preprocessing.
    pub overrides: Overrides,
    /// Where it is installed.
    pub home: Home,
    /// Whether it may replace another backbone of that name.
    pub overwrite: Overwrite,
}

/// Writes `NAME.onnx` and `NAME.toml` into the home's models, and returns the network's path.
///
/// # Errors
/// A file that is cut, foreign or asks for code; tensors that are missing, unexpected or of another shape; a name that is
/// no file name, or that of another backbone; [`Error::Io`].
pub fn import(options: &ImportOptions) -> Result<PathBuf> {
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| options.arch.to_string());
    check_name(&name)?;
    let model = options
        .arch
        .build(&read_state_dict(&options.file)?, options.end)?;
    if options.overwrite == Overwrite::Refuse {
        refuse_known(&name, options)?;
    }
    let mut manifest = manifest(options.arch, options.end, name);
    options.overrides.apply(&mut manifest);
    manifest.preprocessing.check()?;
    let models = options.home.models();
    let staging = outputs::temporary_folder(&models).map_err(Error::io("create", &models))?;
    let network = staging.path().join("network.onnx");
    onnx::write_model(&model, &network)?;
    let staged = Staged {
        manifest: &manifest,
        network: &network,
        data: None,
    };
    staged.install(&models, options.overwrite)
}

/// A known name stands for the known weights; that of the architecture for any of its weights, where those that are known
/// come from elsewhere.
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
    let file = options.file.display();
    Err(another(
        name,
        &format!("`{name}` is a known backbone, and `{file}` is not its file"),
    ))
}

fn is_from(source: &Source, file: &Path) -> Result<bool> {
    let known = KnownFile {
        name: String::new(),
        bytes: source.bytes,
        sha256: source.sha256.clone(),
    };
    known.is_at(file)
}

/// The known manifest of weights of that architecture, or ImageNet's defaults, under this name.
fn manifest(arch: Architecture, end: End, name: String) -> BackboneManifest {
    // A known network of the same name may come from elsewhere: the zoo's VGG19 has another file and licence.
    let is_of_arch = |known: &BackboneManifest| {
        let of = known
            .source
            .as_ref()
            .and_then(|source| source.arch.as_deref());
        of == Some(&*arch.to_string())
    };
    let known = Registry::known().into_iter().find(is_of_arch);
    let known = known.unwrap_or_else(|| BackboneManifest::named(""));
    let features = match end {
        End::Features => FeatureLayer {
            layer: Some("features".to_owned()),
            ..known.features
        },
        End::Logits => FeatureLayer {
            layer: Some("logits".to_owned()),
            ..FeatureLayer::default()
        },
    };
    BackboneManifest {
        name,
        features,
        ..known
    }
}

/// A backbone's name is a file's name, on all systems.
pub(super) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && !name.starts_with('.') && name.chars().all(plain) {
        return Ok(());
    }
    Err(Error::Parameter {
        name: "--name",
        value: name.to_owned(),
        wanted: "letters, digits, `-`, `_` and `.` only",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_stands_for_its_own_weights() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fine-tuned.pth");
        std::fs::write(&file, "other weights").unwrap();
        let refused = |name: &str, arch: &str| {
            let options = ImportOptions {
                file: file.clone(),
                arch: arch.parse().unwrap(),
                end: End::Features,
                name: Some(name.to_owned()),
                overrides: Overrides::default(),
                home: Home::at(folder.path()),
                overwrite: Overwrite::Refuse,
            };
            refuse_known(name, &options).is_err()
        };
        assert!(refused("efficientnet-lite0", "efficientnet-lite0"));
        assert!(refused("efficientnet-lite0", "vgg11"));
        assert!(refused("vgg19", "vgg16"));
        // torchvision's weights, which are known from elsewhere under that name.
        assert!(!refused("vgg19", "vgg19"));
        assert!(!refused("mine", "efficientnet-lite0"));
    }
}
