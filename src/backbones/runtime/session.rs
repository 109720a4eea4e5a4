//! Starting ONNX Runtime, and opening sessions on a device.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider};
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use super::OnnxOptions;
use crate::backbones::{Device, DeviceRequest, Outline, RuntimeLibrary};
use crate::error::{Error, Result};

/// Loads the library once for the whole process, and keeps ONNX Runtime's own log off stderr.
fn environment(library: &RuntimeLibrary) -> Result<&'static Environment> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
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

/// How the sessions of a network are opened, the first one and its twins.
pub(super) struct Opener {
    environment: &'static Environment,
    path: PathBuf,
    pub(super) device: Device,
    pub(super) share: ThreadShare,
}

/// A session, how to open its twins, and what the user should know about the choice of device.
type Opened = (Session, Opener, Option<String>);

impl Opener {
    /// Opens the first session on the device that was asked for, or on the one that `auto` finds to work.
    pub(super) fn start(
        library: &RuntimeLibrary,
        path: &Path,
        options: &OnnxOptions,
    ) -> Result<Opened> {
        let environment = environment(library)?;
        let share = ThreadShare::of(options.threads, weight_bytes(path)?);
        let opened = |device, note| -> Result<Opened> {
            let opener = Self {
                environment,
                path: path.to_owned(),
                device,
                share: if device == Device::Cpu {
                    share
                } else {
                    ThreadShare::one_session(options.threads)
                },
            };
            Ok((opener.open()?, opener, note))
        };
        match options.device {
            DeviceRequest::Exactly(Device::Cpu) => opened(Device::Cpu, None),
            DeviceRequest::Exactly(cuda) => {
                require_cuda(library)?;
                opened(cuda, None)
            }
            DeviceRequest::Auto if require_cuda(library).is_err() => opened(Device::Cpu, None),
            DeviceRequest::Auto => opened(Device::Cuda(0), None)
                .or_else(|e| opened(Device::Cpu, Some(format!("the CPU is used, since {e}")))),
        }
    }

    /// Opens one more session.
    pub(super) fn open(&self) -> Result<Session> {
        let builder = self.builder().map_err(|e| Error::Runtime {
            problem: format!("the device {} does not work: {}", self.device, one_line(&e)),
            hint: "see `frostline doctor`, or use --device cpu".to_owned(),
        });
        builder?
            .commit_from_file(&self.path)
            .map_err(|e| Error::Network {
                path: self.path.clone(),
                problem: one_line(&e),
                hint: "export the network again for an older version, or use a newer ONNX Runtime"
                    .to_owned(),
            })
    }

    fn builder(&self) -> ort::Result<SessionBuilder> {
        // Threads that spin between batches take the cores that decoding needs.
        let builder = Session::builder(self.environment)?
            .with_log_level(LogLevel::Fatal)?
            .with_intra_threads(self.share.threads)?
            .with_intra_op_spinning(false)?
            .with_inter_threads(1)?;
        match self.device {
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
}

/// How many sessions of a network run side by side, and how many threads each has.
///
/// Batches side by side on one thread each keep the cores busier than one batch on all of them, whose threads wait for
/// each other after every layer. But each session holds the weights once more, so a large network gets one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ThreadShare {
    pub(super) sessions: usize,
    pub(super) threads: usize,
}

impl ThreadShare {
    /// The weights of so many bytes are held more than once.
    const MOST_BYTES: u64 = 64 << 20;
    const MOST_SESSIONS: usize = 8;

    fn of(threads: usize, weight_bytes: u64) -> Self {
        if weight_bytes > Self::MOST_BYTES {
            return Self::one_session(threads);
        }
        let each = threads.div_ceil(Self::MOST_SESSIONS).max(1);
        Self {
            sessions: (threads / each).max(1),
            threads: each,
        }
    }

    fn one_session(threads: usize) -> Self {
        Self {
            sessions: 1,
            threads: threads.max(1),
        }
    }
}

/// The length of a network's file and of its external data.
fn weight_bytes(path: &Path) -> Result<u64> {
    let external = Outline::read(path)?.external_files(path)?;
    let len = |path: &Path| {
        fs::metadata(path)
            .map(|about| about.len())
            .map_err(Error::io("read", path))
    };
    iter::once(path)
        .chain(external.iter().map(PathBuf::as_path))
        .map(len)
        .sum()
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

/// ONNX Runtime's messages, without its source positions and line breaks.
pub(super) fn one_line(error: &ort::Error) -> String {
    error
        .message()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_are_shared_out_among_at_most_eight_sessions() {
        let share = |threads| {
            let share = ThreadShare::of(threads, 1 << 20);
            (share.sessions, share.threads)
        };
        assert_eq!(
            [1, 2, 8, 12, 16, 64].map(share),
            [(1, 1), (2, 1), (8, 1), (6, 2), (8, 2), (8, 8)]
        );
    }

    #[test]
    fn a_large_network_is_held_once() {
        let share = ThreadShare::of(4, 575 << 20);
        assert_eq!((share.sessions, share.threads), (1, 4));
    }
}
