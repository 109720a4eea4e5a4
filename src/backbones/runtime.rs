//! Running a network with ONNX Runtime. The one place that imports `ort`.

mod pool;
mod session;
mod signature;

use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ort::session::Session;
use ort::value::TensorRef;

use self::pool::pooled;
pub use self::session::available_providers;
use self::session::{Opener, one_line};
use self::signature::{InputShape, choose_output, input_shape};
use super::backbone::Backbone;
use super::device::{Device, DeviceRequest};
use super::library::RuntimeLibrary;
use super::manifest::{FeatureLayer, Pool};
use crate::error::{Error, Result};
use crate::images::{Layout, Preprocessing};

/// How a network is to be run.
#[derive(Debug, Clone)]
pub struct OnnxOptions {
    /// The device.
    pub device: DeviceRequest,
    /// Threads of ONNX Runtime, at least 1; all sessions together.
    pub threads: usize,
}

/// A network in ONNX Runtime.
pub struct OnnxBackbone {
    network: Arc<Network>,
    /// A replica opens its own when it is first given something to do.
    session: Option<Session>,
    num_features: usize,
    note: Option<String>,
}

/// What a network and its replicas have in common.
struct Network {
    opener: Opener,
    path: PathBuf,
    layer: String,
    shape: InputShape,
    pool: Pool,
    layout: Layout,
}

impl std::fmt::Debug for OnnxBackbone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxBackbone")
            .field("path", &self.network.path)
            .field("layer", &self.network.layer)
            .finish_non_exhaustive()
    }
}

impl OnnxBackbone {
    /// Loads a network and runs one blank image through it, which tells D.
    ///
    /// # Errors
    /// [`Error::Runtime`] where the device does not work; [`Error::Network`] where the file, its input, the layer or D
    /// is not what the manifest says.
    pub fn load(
        library: &RuntimeLibrary,
        path: &Path,
        features: &FeatureLayer,
        preprocessing: &Preprocessing,
        options: &OnnxOptions,
    ) -> Result<Self> {
        let (session, opener, note) = Opener::start(library, path, options)?;
        let fault = |(problem, hint): (String, String)| Error::Network {
            path: path.to_owned(),
            problem,
            hint,
        };
        let shape = input_shape(session.inputs(), preprocessing).map_err(fault)?;
        let layer = choose_output(session.outputs(), features.layer.as_deref()).map_err(fault)?;
        let network = Network {
            opener,
            path: path.to_owned(),
            layer,
            shape,
            pool: features.pool,
            layout: preprocessing.layout,
        };
        let mut backbone = Self {
            network: Arc::new(network),
            session: Some(session),
            num_features: 0,
            note,
        };
        backbone.measure(features.num_features)?;
        Ok(backbone)
    }

    /// The output that is kept.
    #[must_use]
    pub fn layer(&self) -> &str {
        &self.network.layer
    }

    /// The device that really runs the network.
    #[must_use]
    pub fn device(&self) -> Device {
        self.network.opener.device
    }

    /// The batch size that the file fixes, if it does: larger batches are run in such pieces.
    #[must_use]
    pub fn fixed_batch(&self) -> Option<usize> {
        self.network.shape.batch
    }

    /// What the user should know about the choice of device.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn measure(&mut self, wanted: Option<usize>) -> Result<()> {
        let blank = vec![0.0; self.network.shape.image_len()];
        self.num_features = self.forward_piece(&blank, 1)?.len();
        match wanted {
            Some(wanted) if wanted != self.num_features => Err(self.network.fault(
                format!(
                    "its layer `{}` has {} features, and its manifest says {wanted}",
                    self.network.layer, self.num_features
                ),
                "correct num_features or layer in the manifest",
            )),
            _ => Ok(()),
        }
    }

    /// Runs `n` images, at most the fixed batch; a batch that the file fixes is filled up with blank ones.
    fn forward_piece(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        let network = &*self.network;
        let batch = network.shape.batch.unwrap_or(n);
        let mut padded = Vec::new();
        let images = if batch == n {
            images
        } else {
            padded.extend_from_slice(images);
            padded.resize(batch * network.shape.image_len(), 0.0);
            &padded
        };
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(network.opener.open()?),
        };
        let mut features = network.run(session, batch, images)?;
        features.truncate(features.len() / batch * n);
        Ok(features)
    }
}

impl Network {
    fn run(&self, session: &mut Session, batch: usize, images: &[f32]) -> Result<Vec<f32>> {
        let fault = |e: ort::Error| {
            self.fault(
                format!("it cannot be run: {}", one_line(&e)),
                "see `frostline models show FILE` for what the network takes",
            )
        };
        let [a, b, c] = self.shape.image;
        let input = TensorRef::from_array_view(([batch, a, b, c], images)).map_err(fault)?;
        let outputs = session.run(ort::inputs![input]).map_err(fault)?;
        let output = outputs
            .get(&self.layer)
            .expect("the layer was chosen among the outputs");
        let (dims, values) = output.try_extract_tensor::<f32>().map_err(fault)?;
        let dims: Vec<usize> = dims
            .iter()
            .map(|&d| usize::try_from(d).unwrap_or(0))
            .collect();
        if dims.first() != Some(&batch) || values.is_empty() {
            let problem =
                format!("{batch} images gave an output of shape {dims:?}, not a row for each");
            return Err(self.fault(problem, ""));
        }
        Ok(pooled(&dims, values, self.pool, self.layout))
    }

    fn fault(&self, problem: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::Network {
            path: self.path.clone(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

impl Backbone for OnnxBackbone {
    fn num_features(&self) -> usize {
        self.num_features
    }

    fn replicas(&self) -> Vec<Box<dyn Backbone>> {
        let replica = || {
            Box::new(Self {
                network: Arc::clone(&self.network),
                session: None,
                num_features: self.num_features,
                note: None,
            }) as Box<dyn Backbone>
        };
        let others = self.network.opener.share.sessions - 1;
        iter::repeat_with(replica).take(others).collect()
    }

    fn forward(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        let shape = self.network.shape;
        let size = shape.image_len();
        let piece = shape.batch.unwrap_or(n).max(1);
        let mut features = Vec::with_capacity(n * self.num_features);
        for images in images[..n * size].chunks(piece * size) {
            features.extend(self.forward_piece(images, images.len() / size)?);
        }
        if features.iter().all(|value| value.is_finite()) {
            return Ok(features);
        }
        Err(self.network.fault(
            format!(
                "its layer `{}` gives numbers that are not finite (NaN or infinity)",
                self.network.layer
            ),
            "check the preprocessing (scale, mean, std) and the network's weights",
        ))
    }
}
