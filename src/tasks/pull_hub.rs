//! `pull_hub`: downloads a network from the Hugging Face hub, or finds it in the hub's local cache, and
//! imports it.

use std::path::PathBuf;

use super::guard::Overwrite;
use super::import::{ImportOptions, Origin, check_name, import};
use super::import_onnx::{ImportNote, ImportOnnxOptions, import_onnx};
use crate::backbones::onnx::LayerChoice;
use crate::backbones::{
    Architecture, DownloadOptions, Fetched, Home, Hub, HubModel, Overrides, Saved, Source,
};
use crate::error::{Result, require};
use crate::images::Preprocessing;
use crate::progress::Progress;

/// The options of [`pull_hub`](crate::tasks::pull_hub()): what to pull, and how to import it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PullHubOptions {
    /// The network.
    pub model: HubModel,
    /// The hub.
    pub hub: Hub,
    /// The backbone's name; by default, the name of the repository without its owner.
    pub name: Option<String>,
    /// The last layer to keep of an ONNX network, as in [`ImportOnnxOptions`].
    pub layer: Option<LayerChoice>,
    /// Settings of the layer and the preprocessing; all others are those published with the network, or
    /// guessed.
    pub overrides: Overrides,
    /// The `FROSTLINE_HOME` to install into.
    pub home: Home,
    /// Timeouts, minimum speed and proxies of the download.
    pub download: DownloadOptions,
    /// Whether to replace another installed backbone of that name.
    pub overwrite: Overwrite,
}

impl PullHubOptions {
    /// Pulls the network with its own settings, and replaces nothing.
    #[must_use]
    pub fn new(model: HubModel, hub: Hub, home: Home) -> Self {
        Self {
            model,
            hub,
            name: None,
            layer: None,
            overrides: Overrides::default(),
            home,
            download: DownloadOptions::default(),
            overwrite: Overwrite::Refuse,
        }
    }
}

/// A network that was pulled from the hub and installed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PulledHub {
    /// Where the file comes from: its repository, commit, size and SHA-256.
    pub source: Source,
    /// The original file, in the downloads folder of `FROSTLINE_HOME`.
    pub file: PathBuf,
    /// Whether the file had to be fetched.
    pub fetched: Fetched,
    /// The folder of the hub's local cache that it was read from, unless it comes from the hub.
    pub cache: Option<PathBuf>,
    /// The repository's present name, if it was renamed.
    pub renamed: Option<String>,
    /// The installed network made from it.
    pub network: PathBuf,
    /// Notes on what the import changed.
    pub notes: Vec<ImportNote>,
}

/// Fetches a network from the hub into `FROSTLINE_HOME` and imports it, as [`import_onnx`] does with a file.
///
/// # Errors
/// [`BackboneError::Hub`](crate::error::BackboneError::Hub) with what is wrong with the repository;
/// [`Error::Parameter`](crate::Error::Parameter) for an option that weights do not have; those of
/// [`import`] and [`import_onnx`].
pub fn pull_hub(options: &PullHubOptions, progress: &dyn Progress) -> Result<PulledHub> {
    check_name(&name(options))?;
    let repository = options.hub.open(&options.model, &options.download)?;
    let saved = repository.save(&options.home, &options.download, progress)?;
    let origin = Origin {
        source: saved.source.clone(),
        license: repository.license().map(ToOwned::to_owned),
        published: saved.published.clone(),
    };
    let (network, notes) = match saved.arch {
        Some(arch) => install_weights(options, &saved, arch, origin)?,
        None => install_network(options, &saved, origin)?,
    };
    Ok(PulledHub {
        source: saved.source,
        file: saved.file,
        fetched: saved.fetched,
        cache: repository.cache().map(ToOwned::to_owned),
        renamed: repository.renamed().map(ToOwned::to_owned),
        network,
        notes,
    })
}

fn name(options: &PullHubOptions) -> String {
    let name = options.name.as_deref();
    name.unwrap_or(options.model.name()).to_owned()
}

fn install_network(
    options: &PullHubOptions,
    saved: &Saved,
    origin: Origin,
) -> Result<(PathBuf, Vec<ImportNote>)> {
    let imported = import_onnx(&ImportOnnxOptions {
        name: Some(name(options)),
        layer: options.layer.clone(),
        overrides: options.overrides.clone(),
        origin: Some(origin),
        overwrite: options.overwrite,
        ..ImportOnnxOptions::new(saved.file.clone(), options.home.clone())
    })?;
    Ok((imported.path, imported.notes))
}

/// Builds a network from weights; the preprocessing published with them changes that of the architecture.
fn install_weights(
    options: &PullHubOptions,
    saved: &Saved,
    arch: Architecture,
    origin: Origin,
) -> Result<(PathBuf, Vec<ImportNote>)> {
    let (layer, pool) = (options.layer.as_ref(), options.overrides.pool);
    let wanted = "unset: the repository has weights, whose architecture determines the layer";
    require(layer.is_none(), "layer", "set", wanted)?;
    require(pool.is_none(), "pool", "set", wanted)?;
    let published = match &saved.published {
        _ if options.overrides.set_preprocessing() => None,
        published => published.clone(),
    };
    if let Some(published) = &published {
        published.check_size(Some(Preprocessing::default().output_size()))?;
    }
    let imported = import(&ImportOptions {
        name: Some(name(options)),
        overrides: options.overrides.clone(),
        published: published.as_ref().map(|published| published.preprocessing),
        origin: Some(origin),
        overwrite: options.overwrite,
        ..ImportOptions::new(saved.file.clone(), arch, options.home.clone())
    })?;
    let notes = published.map(ImportNote::Published).into_iter();
    Ok((imported.path, notes.chain(imported.notes).collect()))
}
