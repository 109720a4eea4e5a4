//! `models import`: a file of PyTorch weights to an installed backbone.

use std::fs;
use std::path::PathBuf;

use crate::backbones::architectures::{Architecture, End};
use crate::backbones::weights::read_state_dict;
use crate::backbones::{BackboneManifest, FeatureLayer, Home, Overrides, Registry, onnx};
use crate::error::{Error, Result};

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
}

/// Writes `NAME.onnx` and `NAME.toml` into the home's models, and returns the network's path.
///
/// # Errors
/// A file that is cut, foreign or asks for code; tensors that are missing, unexpected or of another shape; a name that is
/// no file name; [`Error::Io`].
pub fn import(options: &ImportOptions) -> Result<PathBuf> {
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| options.arch.to_string());
    check_name(&name)?;
    let model = options
        .arch
        .build(&read_state_dict(&options.file)?, options.end)?;
    let models = options.home.models();
    fs::create_dir_all(&models).map_err(Error::io("create", &models))?;
    let path = models.join(&name).with_added_extension("onnx");
    // The manifest first: a network without one would be used with the wrong preprocessing.
    let manifest_path = path.with_extension("toml");
    let mut manifest = manifest(options.arch, options.end, name);
    options.overrides.apply(&mut manifest);
    manifest.preprocessing.check()?;
    crate::outputs::write_bytes(&manifest_path, manifest.to_toml().as_bytes())?;
    onnx::write_model(&model, &path)?;
    Ok(path)
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
