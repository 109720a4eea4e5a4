//! A loaded network with everything that its features depend on.

use std::path::Path;

use super::backbone_file::BackboneFile;
use super::library::RuntimeLibrary;
use super::located::Located;
use super::manifest::{BackboneManifest, Pool};
use super::registry::{Registry, is_file_name};
use super::run_options::RunOptions;
use super::runtime::OnnxBackbone;
use super::spec::{BackboneId, Decoding, Engine, FeatureSpec};
use super::{Backbone, Convolutions};
use crate::error::Result;
use crate::images::View;
use crate::outputs::TemporaryFolder;
use crate::phrases::counted;

/// A loaded network and the identity of its features.
#[derive(Debug)]
pub struct Frozen {
    /// The network.
    pub backbone: OnnxBackbone,
    /// The identity of its features.
    pub spec: FeatureSpec,
    /// The engine that runs it.
    pub engine: Engine,
    /// Notes for the user on how it was loaded.
    notes: Vec<String>,
    /// The folder of a network from a bundle, which is removed after the network is closed.
    _unpacked: Option<TemporaryFolder>,
}

impl Frozen {
    /// Returns notes for the user on how it was loaded and has run so far.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let halved = self.backbone.too_large().map(|n| {
            let half = counted(n / 2, "image");
            format!(
                "a batch of {n} images did not fit into memory, so batches are limited to {half}: set a \
                 smaller `batch_size`"
            )
        });
        let single = self.backbone.runs_single().then(|| {
            "the network cannot run several images together, so they run one at a time: importing it may \
             make its batch size free"
                .to_owned()
        });
        let floats = self.backbone.why_floats().map(|why| {
            format!("images are normalised on the CPU, which is slower than on the GPU: {why}")
        });
        let notes = self.notes.iter().cloned();
        notes.chain(halved).chain(single).chain(floats).collect()
    }

    /// Loads a backbone by its name or file; `adjust` changes its manifest.
    ///
    /// # Errors
    /// Those of [`Registry::resolve`] and [`OnnxBackbone::load`], and an error for a parameter out of range.
    pub fn by_name(
        name: &Path,
        adjust: impl FnOnce(&mut BackboneManifest),
        decoding: Decoding,
        options: &RunOptions,
    ) -> Result<Self> {
        let registry = Registry::new(options.home.clone());
        let mut file = registry.resolve(name)?;
        // Before the network is hashed, so that a missing library is reported without that delay.
        let library = RuntimeLibrary::find(&options.home)?;
        adjust(&mut file.manifest);
        let sha256 = registry.sha256(&file)?;
        let views = vec![View::Center];
        let mut frozen = Self::load(&file, sha256, decoding, views, &library, options)?;
        if !file.has_manifest {
            let beside = file.path.with_extension("toml");
            let beside = beside.display();
            let using = match &file.published {
                Some(published) => published.to_string(),
                None => "ImageNet's preprocessing".to_owned(),
            };
            let note = format!("there is no manifest `{beside}`: using {using}");
            frozen.notes.insert(0, note);
        }
        if is_file_name(name) {
            frozen.spec.backbone.file = absolute_text(name);
        }
        Ok(frozen)
    }

    /// Returns whether the backbone of this name is certain to be the one of `spec`, without loading it;
    /// `adjust` is as in [`Self::by_name`].
    ///
    /// # Errors
    /// Those of [`Registry::resolve`], and a file that cannot be read.
    pub fn is_backbone_of(
        spec: &FeatureSpec,
        name: &Path,
        adjust: impl FnOnce(&mut BackboneManifest),
        options: &RunOptions,
    ) -> Result<bool> {
        let registry = Registry::new(options.home.clone());
        let mut file = registry.find(name)?;
        adjust(&mut file.manifest);
        let (id, features) = (&spec.backbone, &file.manifest.features);
        let same = file.has_manifest
            && file.manifest.name == id.name
            && file.manifest.preprocessing == spec.preprocessing
            && features.pool.unwrap_or(Pool::Flatten) == id.pool
            && features.map == id.map
            && features.prefix_tokens.unwrap_or(0) == id.prefix_tokens
            && features.layer.as_ref() == Some(&id.layer)
            && features.num_features.is_none_or(|n| n == id.num_features);
        Ok(same && registry.sha256(&file)? == id.sha256)
    }

    /// Loads the network that features or a head were made with; `file` is its name or path if it is not
    /// installed.
    ///
    /// # Errors
    /// [`BackboneError::Network`](crate::error::BackboneError::Network) if it is not found;
    /// [`BackboneError::OtherNetwork`](crate::error::BackboneError::OtherNetwork) if `file`, or the network
    /// in the head's bundle, is a different one; those of [`OnnxBackbone::load`].
    pub fn for_spec(spec: &FeatureSpec, file: Option<&Path>, options: &RunOptions) -> Result<Self> {
        let library = RuntimeLibrary::find(&options.home)?;
        let located = Located::of(spec, file, &options.home)?;
        let frozen = Self::at(spec, &located, &library, options)?;
        Ok(Self {
            _unpacked: located.unpacked,
            ..frozen
        })
    }

    /// Loads the network of a specification from where it was found.
    ///
    /// # Errors
    /// Those of [`OnnxBackbone::load`].
    pub(crate) fn at(
        spec: &FeatureSpec,
        located: &Located,
        library: &RuntimeLibrary,
        options: &RunOptions,
    ) -> Result<Self> {
        let sha256 = spec.backbone.sha256.clone();
        let decoding = spec.decoding.by_this_version();
        let views = spec.views.clone();
        Self::load(&located.file, sha256, decoding, views, library, options)
    }

    fn load(
        file: &BackboneFile,
        sha256: String,
        decoding: Decoding,
        views: Vec<View>,
        library: &RuntimeLibrary,
        options: &RunOptions,
    ) -> Result<Self> {
        let BackboneManifest { features, .. } = &file.manifest;
        let preprocessing = file.manifest.preprocessing;
        preprocessing.check()?;
        let network = (&*file.path, Some(&*sha256));
        let backbone = OnnxBackbone::load(library, network, features, &preprocessing, options)?;
        let layer = backbone.feature_layer();
        let spec = FeatureSpec {
            backbone: BackboneId {
                name: file.manifest.name.clone(),
                sha256,
                layer: backbone.layer().to_owned(),
                pool: layer.pool.unwrap_or(Pool::Flatten),
                map: layer.map,
                prefix_tokens: layer.prefix_tokens.unwrap_or(0),
                num_features: backbone.num_features(),
                file: None,
                bundle: None,
            },
            preprocessing,
            decoding,
            views,
        };
        Ok(Self {
            notes: notes(&backbone, &file.path, options),
            engine: engine(&backbone, library),
            backbone,
            spec,
            _unpacked: None,
        })
    }
}

fn engine(backbone: &OnnxBackbone, library: &RuntimeLibrary) -> Engine {
    let runtime = format!("ONNX Runtime {}", library.version);
    let device = backbone.device().to_string();
    Engine {
        winograd_layers: backbone.winograd_layers(),
        ..Engine::new(runtime, device, backbone.precision())
    }
}

/// Returns notes for the user on how a network runs.
fn notes(backbone: &OnnxBackbone, path: &Path, options: &RunOptions) -> Vec<String> {
    let path = path.display();
    let batch = backbone.fixed_batch().map(|n| {
        if backbone.mixes_images() {
            format!(
                "`{path}` quantises values with the range of the whole batch, so images run {n} at a time"
            )
        } else {
            format!("`{path}` has a fixed batch size of {n}, so images run {n} at a time")
        }
    });
    let (wanted, precision) = (options.precision, backbone.precision());
    let other = (precision != wanted).then(|| {
        let device = backbone.device();
        format!(
            "the device {device} does not support {wanted}: using {precision}, which is more exact"
        )
    });
    let none = backbone.winograd_layers() == 0;
    let none = (none && options.convolutions == Convolutions::Winograd).then(|| {
        format!(
            "`{path}` has no 3×3 convolution with stride 1, one group and enough channels, so none is \
             computed in the Winograd domain"
        )
    });
    [batch, other, none].into_iter().flatten().collect()
}

/// Returns the absolute path, which is only a hint for finding the file again; `None` if it is not UTF-8.
fn absolute_text(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.into_os_string().into_string().ok()
}
