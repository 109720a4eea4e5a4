//! A network that is loaded and ready, with all that its features depend on.

use std::path::Path;

use super::backbone_file::BackboneFile;
use super::library::RuntimeLibrary;
use super::manifest::BackboneManifest;
use super::registry::{Registry, is_file_name};
use super::run_options::RunOptions;
use super::runtime::OnnxBackbone;
use super::spec::{BackboneId, Decoding, Engine, FeatureSpec};
use super::{Backbone, Convolutions};
use crate::error::{BackboneError, Result};
use crate::images::View;

/// A loaded network, and what its features are features of.
#[derive(Debug)]
pub struct Frozen {
    /// The network.
    pub backbone: OnnxBackbone,
    /// What its features are features of.
    pub spec: FeatureSpec,
    /// What runs it.
    pub engine: Engine,
    /// What the user should know of how it was found.
    notes: Vec<String>,
}

impl Frozen {
    /// What the user should know, of what has happened until now.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let halved = self.backbone.too_large().map(|n| {
            format!("a batch of {n} did not fit into the memory, so that {} images are run at a time: give \
                a smaller `batch_size`", n / 2)
        });
        self.notes.iter().cloned().chain(halved).collect()
    }

    /// Loads a backbone by its name or file; `adjust` changes what its manifest says.
    ///
    /// # Errors
    /// What [`Registry::resolve`] and [`OnnxBackbone::load`] return, and parameters out of range.
    pub fn by_name(
        name: &Path,
        adjust: impl FnOnce(&mut BackboneManifest),
        decoding: Decoding,
        options: &RunOptions,
    ) -> Result<Self> {
        let registry = Registry::new(options.home.clone());
        let mut file = registry.resolve(name)?;
        // Before the network is hashed: half a gigabyte takes longer than saying that the library is missing.
        let library = RuntimeLibrary::find(&options.home)?;
        adjust(&mut file.manifest);
        let sha256 = registry.sha256(&file)?;
        let views = vec![View::Center];
        let mut frozen = Self::load(&file, sha256, decoding, views, &library, options)?;
        if !file.has_manifest {
            let beside = file.path.with_extension("toml");
            let beside = beside.display();
            let note = format!("there is no `{beside}`: ImageNet's preprocessing is assumed");
            frozen.notes.insert(0, note);
        }
        if is_file_name(name) {
            frozen.spec.backbone.file = absolute_text(name);
        }
        Ok(frozen)
    }

    /// Whether a backbone of this name is certain to be the one that `spec` is of, without loading it;
    /// `adjust` as in [`Self::by_name`].
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
        let mut file = registry.resolve(name)?;
        adjust(&mut file.manifest);
        let (id, features) = (&spec.backbone, &file.manifest.features);
        let same = file.has_manifest
            && file.manifest.name == id.name
            && file.manifest.preprocessing == spec.preprocessing
            && features.pool == id.pool
            && features.layer.as_ref() == Some(&id.layer)
            && features.num_features.is_none_or(|n| n == id.num_features);
        Ok(same && registry.sha256(&file)? == id.sha256)
    }

    /// Loads the network that some features or a head were made with; `file` names it where it is not
    /// installed.
    ///
    /// # Errors
    /// [`BackboneError::Network`] where it is not found; [`BackboneError::OtherNetwork`] where `file` is one.
    pub fn for_spec(spec: &FeatureSpec, file: Option<&Path>, options: &RunOptions) -> Result<Self> {
        let library = RuntimeLibrary::find(&options.home)?;
        let registry = Registry::new(options.home.clone());
        let id = &spec.backbone;
        let (mut found, sha256) = if let Some(name) = file {
            let found = registry.resolve(name)?;
            let sha256 = registry.sha256(&found)?;
            (found, sha256)
        } else {
            // What is found by its hash need not be hashed again.
            let remembered = id.file.as_deref().map(Path::new);
            let found = registry.find_by_hash(&id.name, &id.sha256, remembered)?;
            (found, id.sha256.clone())
        };
        found.manifest.preprocessing = spec.preprocessing;
        found.manifest.features.layer = Some(id.layer.clone());
        found.manifest.features.pool = id.pool;
        found.manifest.features.num_features = Some(id.num_features);
        if sha256 != id.sha256 {
            let other = BackboneError::OtherNetwork {
                path: found.path,
                sha256,
                name: id.name.clone(),
                wanted: id.sha256.clone(),
            };
            return Err(other.into());
        }
        let decoding = spec.decoding.by_this_version();
        let views = spec.views.clone();
        Self::load(&found, sha256, decoding, views, &library, options)
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
        let spec = FeatureSpec {
            backbone: BackboneId {
                name: file.manifest.name.clone(),
                sha256,
                layer: backbone.layer().to_owned(),
                pool: features.pool,
                num_features: backbone.num_features(),
                file: None,
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

/// What the user should know of how a network is run.
fn notes(backbone: &OnnxBackbone, path: &Path, options: &RunOptions) -> Vec<String> {
    let path = path.display();
    let batch = backbone
        .fixed_batch()
        .map(|n| format!("`{path}` fixes its batch to {n}, so that images are run {n} at a time"));
    let (wanted, precision) = (options.precision, backbone.precision());
    let other = (precision != wanted).then(|| {
        let device = backbone.device();
        format!(
            "the device {device} has no {wanted}: it computes in {precision}, which is more exact"
        )
    });
    let none = backbone.winograd_layers() == 0;
    let none = (none && options.convolutions == Convolutions::Winograd).then(|| {
        format!(
            "`{path}` has no 3×3 convolution of stride 1 and one group to compute in the Winograd domain"
        )
    });
    [batch, other, none].into_iter().flatten().collect()
}

/// Nothing for a path that is not UTF-8: it is but a hint for finding the file again.
fn absolute_text(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.into_os_string().into_string().ok()
}
