//! `import_onnx`: cuts an ONNX network at the frost line, checks it with a test run, and installs it.

mod check;
mod guess;
mod known;
mod note;

use std::path::{Path, PathBuf};

use self::check::Trial;
use self::guess::{guess, size};
use self::known::made_from;
pub use self::note::ImportNote;
use super::guard::Overwrite;
use super::import::{Origin, check_name, require_file};
use super::install::Staged;
use crate::backbones::onnx::{Batch, Cut, Element, LayerChoice, PixelRange, read_network};
use crate::backbones::{BackboneManifest, Home, Overrides, Pool, PublishedPreprocessing, Registry};
use crate::error::{BackboneError, Error, NetworkProblem, Result, TaskError};
use crate::outputs;

/// The options of [`import_onnx`](crate::tasks::import_onnx()): what to import, and where to cut it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImportOnnxOptions {
    /// The ONNX file.
    pub file: PathBuf,
    /// The backbone's name. The default is the name of the known backbone made from this file, else the name
    /// of the file; for `NAME/model.onnx`, the name of the folder.
    pub name: Option<String>,
    /// The last layer to keep; by default the known backbone's. Otherwise it is [`LayerChoice::Tokens`] if a
    /// pool over positions is chosen, else [`LayerChoice::Penultimate`].
    pub layer: Option<LayerChoice>,
    /// Settings of the layer and the preprocessing; all others are the known backbone's, or guessed.
    pub overrides: Overrides,
    /// Where the file comes from, unless it is that of a known backbone.
    pub origin: Option<Origin>,
    /// The `FROSTLINE_HOME` to install into.
    pub home: Home,
    /// Whether to replace another installed backbone of that name.
    pub overwrite: Overwrite,
}

impl ImportOnnxOptions {
    /// Imports `file` with known or guessed settings, and replaces nothing.
    #[must_use]
    pub fn new(file: PathBuf, home: Home) -> Self {
        Self {
            file,
            name: None,
            layer: None,
            overrides: Overrides::default(),
            origin: None,
            home,
            overwrite: Overwrite::Refuse,
        }
    }
}

/// An imported network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ImportedOnnx {
    /// The installed `NAME.onnx`, next to its `NAME.toml`.
    pub path: PathBuf,
    /// The tensor that the network was cut at.
    pub layer: String,
    /// D.
    pub num_features: usize,
    /// How the layer is pooled.
    pub pool: Pool,
    /// The number of class and register tokens that are left out.
    pub prefix_tokens: usize,
    /// Notes for the user: what was guessed, fixed or converted.
    pub notes: Vec<ImportNote>,
}

/// Above this number of features, a layer with spatial positions is worth a note on pooling.
const MANY_FEATURES: usize = 8192;

/// Cuts a network, runs it, and writes `NAME.onnx` and `NAME.toml` into the models of `FROSTLINE_HOME`.
///
/// The batch size is free if batches of one and of two images give the same features; otherwise it stays that
/// of the file, or one.
///
/// # Errors
/// Those of [`read_network`], [`cut`](crate::backbones::onnx::Network::cut) and
/// [`write_cut`](crate::backbones::onnx::write_cut); [`BackboneError`] if the network does not run, or ONNX
/// Runtime is missing; [`Error::Parameter`] for an invalid name or preprocessing out of range; [`TaskError`]
/// for the name of another backbone.
pub fn import_onnx(options: &ImportOnnxOptions) -> Result<ImportedOnnx> {
    require_file(&options.file)?;
    let (file, overwrite) = (&options.file, options.overwrite);
    let known = made_from(Registry::known(), file, options.name.as_deref())?;
    let made_from_known = known.as_ref().map(|known| known.name.clone());
    let network = read_network(file)?;
    let layer = layer_choice(options, known.as_ref());
    let cut = network.cut(&layer)?;
    let range = network.normalises(&cut.image_input().name);
    let (mut manifest, mut notes) = manifest(options, known, &cut, range)?;
    check_name(&manifest.name)?;
    manifest.preprocessing.check()?;
    if overwrite == Overwrite::Refuse {
        refuse_known(&manifest.name, made_from_known.as_deref(), file)?;
    }
    let models = options.home.models();
    options.home.make(&models)?;
    let staging = outputs::temporary_folder(&models).map_err(Error::io("create", &models))?;
    let staged = staging.path().join(format!("{}.onnx", manifest.name));
    let trial = Trial {
        home: &options.home,
        file,
        network: &staged,
        preprocessing: &manifest.preprocessing,
    };
    let (cut, tried) = match trial.run(&cut, &manifest.features) {
        Ok(tried) => {
            notes.extend(freed(&cut));
            (cut, tried)
        }
        Err(error) => {
            notes.push(fixed(&cut, error)?);
            let cut = network.cut_with(&layer, Batch::Fixed)?;
            let tried = trial.run(&cut, &manifest.features)?;
            (cut, tried)
        }
    };
    notes.extend(network.mixes_images().then(|| ImportNote::FixedBatch {
        batch: 1,
        problem: "it quantises values with the range of the whole batch".to_owned(),
    }));
    notes.splice(
        0..0,
        [Some(kept(&cut, file)), converted(&cut)]
            .into_iter()
            .flatten(),
    );
    let num_features = tried.num_features;
    if num_features > MANY_FEATURES && options.overrides.pool.is_none() {
        notes.extend(trial.word_about_pooling(&manifest.features, num_features));
    }
    manifest.features = tried.features;
    let staged = Staged {
        manifest: &manifest,
        network: &staged,
        data: tried.data.as_deref(),
    };
    Ok(ImportedOnnx {
        path: staged.install(&models, overwrite)?,
        layer: cut.output().to_owned(),
        num_features,
        pool: manifest.features.pool.unwrap_or(Pool::Flatten),
        prefix_tokens: manifest.features.prefix_tokens.unwrap_or(0),
        notes,
    })
}

fn layer_choice(options: &ImportOnnxOptions, known: Option<&BackboneManifest>) -> LayerChoice {
    let known = known.and_then(|known| known.features.layer.as_deref());
    let chosen = options.layer.clone();
    let tokens = match options.overrides.pool {
        None | Some(Pool::Flatten) => LayerChoice::Penultimate,
        Some(_) => LayerChoice::Tokens,
    };
    chosen.or(known.map(LayerChoice::from)).unwrap_or(tokens)
}

/// Returns the manifest from what is known about the network, with guesses for the rest.
fn manifest(
    options: &ImportOnnxOptions,
    known: Option<BackboneManifest>,
    cut: &Cut,
    range: Option<PixelRange>,
) -> Result<(BackboneManifest, Vec<ImportNote>)> {
    let mut notes = Vec::new();
    let mut manifest = if let Some(known) = known {
        notes.push(ImportNote::Known(known.name.clone()));
        known
    } else {
        let published = published(options)?;
        let guessed = guess(
            cut.image_input(),
            range,
            published.as_ref(),
            &options.overrides,
        );
        let (preprocessing, note) = guessed.map_err(|problem| problem.at(&options.file))?;
        if let Some(published) = &published {
            published.check_size(size(cut.image_input(), preprocessing.layout))?;
        }
        notes.extend(range.map(|range| ImportNote::Normalises { range }));
        notes.extend(note);
        let (source, license) = Origin::parts(options.origin.as_ref());
        BackboneManifest {
            license,
            source,
            preprocessing,
            ..BackboneManifest::named(suggested_name(&options.file))
        }
    };
    if options.layer.is_some() {
        manifest.features.num_features = None;
    }
    manifest.features.layer = Some(cut.output().to_owned());
    options.overrides.apply(&mut manifest);
    if let Some(name) = &options.name {
        manifest.name.clone_from(name);
    }
    Ok((manifest, notes))
}

/// Returns the preprocessing of the network's origin, or else next to it, unless the options leave nothing
/// to it.
fn published(options: &ImportOnnxOptions) -> Result<Option<PublishedPreprocessing>> {
    match &options.origin {
        _ if options.overrides.set_preprocessing() => Ok(None),
        Some(origin) => Ok(origin.published.clone()),
        None => PublishedPreprocessing::beside(&options.file),
    }
}

/// Returns a note on how much of the network was kept.
fn kept(cut: &Cut, file: &Path) -> ImportNote {
    let [layers, weights] = cut.sizes();
    ImportNote::Kept {
        layers,
        weights,
        file: file.to_owned(),
    }
}

/// Returns a note on the batch size that was freed, if the file fixed it.
fn freed(cut: &Cut) -> Option<ImportNote> {
    let batch = cut.image_input().batch?;
    let nodes = cut.rewritten().len();
    Some(ImportNote::FreedBatch { batch, nodes })
}

/// Returns a note on the batch size that could not be freed, or the error if it has another cause.
fn fixed(cut: &Cut, error: Error) -> Result<ImportNote> {
    match error {
        Error::Backbone(BackboneError::Network {
            problem: problem @ NetworkProblem::FixedBatch { .. },
            ..
        }) => Ok(ImportNote::FixedBatch {
            batch: cut.image_input().batch.unwrap_or(1),
            problem: problem.to_string(),
        }),
        other => Err(other),
    }
}

/// Returns a note on the conversion of the input, if there is one.
fn converted(cut: &Cut) -> Option<ImportNote> {
    let input = cut.image_input();
    (input.element != Element::Float32).then(|| ImportNote::Converted {
        input: input.name.clone(),
        element: input.element,
    })
}

/// Refuses the name of a known backbone for any other file.
fn refuse_known(name: &str, made_from: Option<&str>, file: &Path) -> Result<()> {
    if made_from == Some(name) || Registry::known_by_name(name).is_err() {
        return Ok(());
    }
    let (name, file) = (name.to_owned(), file.to_owned());
    Err(TaskError::KnownName { name, file }.into())
}

/// Returns the file's name without its extension, or the closest folder's name if that is generic, as in
/// `resnet/onnx/model.onnx`.
fn suggested_name(file: &Path) -> String {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let stem = absolute.file_stem().unwrap_or_default().to_owned();
    let folders = absolute.ancestors().skip(1).filter_map(Path::file_name);
    let mut names = std::iter::once(&*stem)
        .chain(folders)
        .map(|name| name.to_string_lossy().into_owned());
    let says_nothing = |name: &String| ["model", "models", "onnx"].contains(&&*name.to_lowercase());
    let telling = names.find(|name| !says_nothing(name));
    telling.unwrap_or_else(|| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_nothing_is_not_suggested() {
        for (file, name) in [
            ("/nets/resnet50.onnx", "resnet50"),
            ("/nets/resnet50/model.onnx", "resnet50"),
            ("/nets/resnet50/onnx/model.onnx", "resnet50"),
            ("/nets/Model/MODEL.onnx", "nets"),
            ("/model.onnx", "model"),
            ("/nets/model_quantized.onnx", "model_quantized"),
        ] {
            assert_eq!(suggested_name(Path::new(file)), name, "{file}");
        }
        let here = std::env::current_dir().unwrap();
        let here = here.file_name().unwrap().to_str().unwrap();
        assert_eq!(suggested_name(Path::new("model.onnx")), here);
    }
}
