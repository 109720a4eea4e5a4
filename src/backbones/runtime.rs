//! Running a network with ONNX Runtime. The one place that imports `ort`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::ep::{self, ExecutionProvider};
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};

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
    /// Threads of ONNX Runtime's own pool, at least 1.
    pub threads: usize,
}

/// A network in ONNX Runtime.
pub struct OnnxBackbone {
    session: Session,
    path: PathBuf,
    layer: String,
    shape: InputShape,
    pool: Pool,
    layout: Layout,
    num_features: usize,
    device: Device,
    note: Option<String>,
}

impl std::fmt::Debug for OnnxBackbone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxBackbone")
            .field("path", &self.path)
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

/// What one run of the network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InputShape {
    /// The size that the file fixes the batch to, if it does.
    batch: Option<usize>,
    /// The three lengths of one image, in the network's layout.
    image: [usize; 3],
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
        let (session, device, note) = open_session(library, path, options)?;
        let fault = |(problem, hint): (String, String)| Error::Network {
            path: path.to_owned(),
            problem,
            hint,
        };
        let shape = input_shape(session.inputs(), preprocessing).map_err(fault)?;
        let layer = choose_output(session.outputs(), features.layer.as_deref()).map_err(fault)?;
        let (pool, layout) = (features.pool, preprocessing.layout);
        let path = path.to_owned();
        let mut backbone = Self {
            session,
            path,
            layer,
            shape,
            pool,
            layout,
            num_features: 0,
            device,
            note,
        };
        backbone.measure(features.num_features)?;
        Ok(backbone)
    }

    /// The output that is kept.
    #[must_use]
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// The device that really runs the network.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// The batch size that the file fixes, if it does: larger batches are run in such pieces.
    #[must_use]
    pub fn fixed_batch(&self) -> Option<usize> {
        self.shape.batch
    }

    /// What the user should know about the choice of device.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn fault(&self, problem: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::Network {
            path: self.path.clone(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    fn measure(&mut self, wanted: Option<usize>) -> Result<()> {
        let blank = vec![0.0; self.image_len()];
        self.num_features = self.forward_piece(&blank, 1)?.len();
        match wanted {
            Some(wanted) if wanted != self.num_features => Err(self.fault(
                format!(
                    "its layer `{}` has {} features, and its manifest says {wanted}",
                    self.layer, self.num_features
                ),
                "correct num_features or layer in the manifest",
            )),
            _ => Ok(()),
        }
    }

    fn image_len(&self) -> usize {
        self.shape.image.iter().product()
    }

    /// Runs `n` images, at most the fixed batch; a batch that the file fixes is filled up with blank ones.
    fn forward_piece(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        let batch = self.shape.batch.unwrap_or(n);
        let [a, b, c] = self.shape.image;
        let mut padded = Vec::new();
        let images = if batch == n {
            images
        } else {
            padded.extend_from_slice(images);
            padded.resize(batch * a * b * c, 0.0);
            &padded
        };
        let mut features = self.run([batch, a, b, c], images)?;
        features.truncate(features.len() / batch * n);
        Ok(features)
    }

    fn run(&mut self, shape: [usize; 4], images: &[f32]) -> Result<Vec<f32>> {
        let path = &self.path;
        let fault = |e: ort::Error| Error::Network {
            path: path.clone(),
            problem: format!("it cannot be run: {}", one_line(&e)),
            hint: "see `frostline models show FILE` for what the network takes".to_owned(),
        };
        let input = TensorRef::from_array_view((shape, images)).map_err(fault)?;
        let outputs = self.session.run(ort::inputs![input]).map_err(fault)?;
        let output = outputs
            .get(&self.layer)
            .expect("the layer was chosen among the outputs");
        let (dims, values) = output.try_extract_tensor::<f32>().map_err(fault)?;
        let dims: Vec<usize> = dims
            .iter()
            .map(|&d| usize::try_from(d).unwrap_or(0))
            .collect();
        if dims.first() != Some(&shape[0]) || values.is_empty() {
            let problem = format!(
                "{} images gave an output of shape {dims:?}, not a row for each",
                shape[0]
            );
            return Err(Error::Network {
                path: path.clone(),
                problem,
                hint: String::new(),
            });
        }
        Ok(pooled(&dims, values, self.pool, self.layout))
    }
}

impl Backbone for OnnxBackbone {
    fn num_features(&self) -> usize {
        self.num_features
    }

    fn forward(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        let size = self.image_len();
        let piece = self.shape.batch.unwrap_or(n).max(1);
        let mut features = Vec::with_capacity(n * self.num_features);
        for images in images[..n * size].chunks(piece * size) {
            features.extend(self.forward_piece(images, images.len() / size)?);
        }
        if features.iter().all(|value| value.is_finite()) {
            return Ok(features);
        }
        Err(self.fault(
            format!(
                "its layer `{}` gives numbers that are not finite (NaN or infinity)",
                self.layer
            ),
            "check the preprocessing (scale, mean, std) and the network's weights",
        ))
    }
}

/// Loads the library once for the whole process, and keeps ONNX Runtime's own log off stderr.
fn environment(library: &RuntimeLibrary) -> Result<&'static ort::environment::Environment> {
    static ENVIRONMENT: OnceLock<Result<ort::environment::Environment, String>> = OnceLock::new();
    let built = ENVIRONMENT.get_or_init(|| {
        let environment = ort::init_from(&library.path).map_err(|e| e.to_string())?;
        let environment = environment
            .with_name("frostline")
            .with_telemetry(false)
            .build()
            .map_err(|e| one_line(&e))?;
        environment.set_log_level(LogLevel::Fatal);
        Ok(environment)
    });
    built.as_ref().map_err(|problem| Error::Runtime {
        problem: format!(
            "cannot start ONNX Runtime from `{}`: {problem}",
            library.path.display()
        ),
        hint: "see `frostline doctor`".to_owned(),
    })
}

/// The execution providers that the library carries, of those that frostline knows.
///
/// # Errors
/// [`Error::Runtime`] where the library cannot be started.
pub fn available_providers(library: &RuntimeLibrary) -> Result<Vec<&'static str>> {
    environment(library)?;
    let known: [(&str, Available); 6] = [
        ("CPU", ep::CPU::is_available),
        ("CUDA", ep::CUDA::is_available),
        ("TensorRT", ep::TensorRT::is_available),
        ("CoreML", ep::CoreML::is_available),
        ("DirectML", ep::DirectML::is_available),
        ("OpenVINO", ep::OpenVINO::is_available),
    ];
    Ok(known
        .into_iter()
        .filter(|(_, available)| available().unwrap_or(false))
        .map(|(name, _)| name)
        .collect())
}

/// Whether the library was built with an execution provider.
type Available = fn() -> ort::Result<bool>;

type Opened = (Session, Device, Option<String>);

fn open_session(library: &RuntimeLibrary, path: &Path, options: &OnnxOptions) -> Result<Opened> {
    let environment = environment(library)?;
    let on = |device| session_on(environment, path, device, options.threads);
    match options.device {
        DeviceRequest::Exactly(Device::Cpu) => Ok((on(Device::Cpu)?, Device::Cpu, None)),
        DeviceRequest::Exactly(cuda) => {
            require_cuda(library)?;
            Ok((on(cuda)?, cuda, None))
        }
        DeviceRequest::Auto if require_cuda(library).is_err() => {
            Ok((on(Device::Cpu)?, Device::Cpu, None))
        }
        DeviceRequest::Auto => match on(Device::Cuda(0)) {
            Ok(session) => Ok((session, Device::Cuda(0), None)),
            Err(e) => Ok((
                on(Device::Cpu)?,
                Device::Cpu,
                Some(format!("the CPU is used, since {e}")),
            )),
        },
    }
}

fn require_cuda(library: &RuntimeLibrary) -> Result<()> {
    if ep::CUDA::is_available().unwrap_or(false) {
        return Ok(());
    }
    Err(Error::Runtime {
        problem: format!(
            "CUDA was asked for, but `{}` (ONNX Runtime {}) was built without it: `libonnxruntime_providers_cuda` is missing",
            library.path.display(),
            library.version
        ),
        hint: "`pip install onnxruntime-gpu` and set ORT_DYLIB_PATH to its libonnxruntime, or use --device cpu".to_owned(),
    })
}

fn session_on(
    environment: &ort::environment::Environment,
    path: &Path,
    device: Device,
    threads: usize,
) -> Result<Session> {
    let builder = builder_on(environment, device, threads).map_err(|e| Error::Runtime {
        problem: format!("the device {device} does not work: {}", one_line(&e)),
        hint: "see `frostline doctor`, or use --device cpu".to_owned(),
    });
    builder?.commit_from_file(path).map_err(|e| Error::Network {
        path: path.to_owned(),
        problem: one_line(&e),
        hint: "export the network again for an older version, or use a newer ONNX Runtime"
            .to_owned(),
    })
}

fn builder_on(
    environment: &ort::environment::Environment,
    device: Device,
    threads: usize,
) -> ort::Result<SessionBuilder> {
    let builder = Session::builder(environment)?
        .with_log_level(LogLevel::Fatal)?
        .with_intra_threads(threads)?;
    // Threads that spin between batches take the cores that decoding needs.
    let builder = builder
        .with_intra_op_spinning(false)?
        .with_inter_threads(1)?;
    match device {
        Device::Cpu => Ok(builder),
        Device::Cuda(index) => {
            let cuda = ep::CUDA::default()
                .with_device_id(index)
                .build()
                .error_on_failure();
            Ok(builder
                .with_execution_providers([cuda])?
                .with_disable_cpu_fallback()?)
        }
    }
}

/// ONNX Runtime's messages, without its source positions and line breaks.
fn one_line(error: &ort::Error) -> String {
    error
        .message()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A problem and its hint.
type Fault = (String, String);

fn input_shape(inputs: &[Outlet], preprocessing: &Preprocessing) -> Result<InputShape, Fault> {
    let [input] = inputs else {
        let names = names(inputs);
        return Err((
            format!(
                "it has {} inputs ({names}), and a backbone has one",
                inputs.len()
            ),
            String::new(),
        ));
    };
    let ValueType::Tensor {
        ty: TensorElementType::Float32,
        shape,
        ..
    } = input.dtype()
    else {
        let problem = format!(
            "its input `{}` has the type {}, and only float32 is supported",
            input.name(),
            input.dtype()
        );
        return Err((
            problem,
            "export the network with a float32 input".to_owned(),
        ));
    };
    let (width, height) = preprocessing.output_size();
    let image = match preprocessing.layout {
        Layout::Nchw => [3, height, width].map(|n| n as usize),
        Layout::Nhwc => [height, width, 3].map(|n| n as usize),
    };
    let fits = shape.len() == 4
        && shape[1..]
            .iter()
            .zip(image)
            .all(|(&s, ours)| s < 0 || s == ours as i64);
    if !fits {
        let problem = format!(
            "its input `{}` has the shape {shape}, and preprocessing (layout {}) gives {image:?} for each image",
            input.name(),
            preprocessing.layout
        );
        return Err((
            problem,
            "set --layout, --crop and --resize to what the network takes".to_owned(),
        ));
    }
    Ok(InputShape {
        batch: usize::try_from(shape[0]).ok().filter(|&n| n > 0),
        image,
    })
}

fn choose_output(outputs: &[Outlet], wanted: Option<&str>) -> Result<String, Fault> {
    let hint = "name one of them with --layer, or in the manifest".to_owned();
    let chosen = match (wanted, outputs) {
        (None, [only]) => only,
        (None, _) => return Err((format!("it has several outputs: {}", names(outputs)), hint)),
        (Some(name), _) => outputs
            .iter()
            .find(|output| output.name() == name)
            .ok_or_else(|| {
                (
                    format!("it has no output `{name}`; there are {}", names(outputs)),
                    hint,
                )
            })?,
    };
    match chosen.dtype() {
        ValueType::Tensor {
            ty: TensorElementType::Float32,
            ..
        } => Ok(chosen.name().to_owned()),
        other => Err((
            format!(
                "its output `{}` is {other}, and only float32 is supported",
                chosen.name()
            ),
            String::new(),
        )),
    }
}

fn names(outlets: &[Outlet]) -> String {
    outlets
        .iter()
        .map(|outlet| format!("`{}`", outlet.name()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// (N, …) to (N, D): flattened as it lies, or the mean over the positions of (N, C, H, W) or (N, H, W, C).
fn pooled(dims: &[usize], values: &[f32], pool: Pool, layout: Layout) -> Vec<f32> {
    if pool == Pool::Flatten || dims.len() < 3 {
        return values.to_vec();
    }
    let rows = values.chunks_exact(values.len() / dims[0]);
    match layout {
        Layout::Nchw => {
            let positions = dims[2..].iter().product();
            values.chunks_exact(positions).map(mean).collect()
        }
        Layout::Nhwc => {
            let channels = dims[dims.len() - 1];
            let channel = |row: &[f32], c: usize| {
                mean(
                    &row.iter()
                        .skip(c)
                        .step_by(channels)
                        .copied()
                        .collect::<Vec<_>>(),
                )
            };
            rows.flat_map(|row| (0..channels).map(move |c| channel(row, c)))
                .collect()
        }
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_over_positions() {
        // One image, two channels, 1x2 positions: channel means 1.5 and 3.5.
        assert_eq!(
            pooled(
                &[1, 2, 1, 2],
                &[1.0, 2.0, 3.0, 4.0],
                Pool::Mean,
                Layout::Nchw
            ),
            [1.5, 3.5]
        );
        assert_eq!(
            pooled(
                &[1, 1, 2, 2],
                &[1.0, 3.0, 2.0, 4.0],
                Pool::Mean,
                Layout::Nhwc
            ),
            [1.5, 3.5]
        );
        assert_eq!(
            pooled(
                &[1, 2, 1, 2],
                &[1.0, 2.0, 3.0, 4.0],
                Pool::Flatten,
                Layout::Nchw
            ),
            [1.0, 2.0, 3.0, 4.0]
        );
    }
}
