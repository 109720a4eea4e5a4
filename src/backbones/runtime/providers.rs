//! Execution providers: the parts of ONNX Runtime that drive devices.

use ort::ep::cuda::ConvAlgorithmSearch;
use ort::ep::{self, ArenaExtendStrategy, ExecutionProvider, ExecutionProviderDispatch};
use ort::session::builder::SessionBuilder;

use super::environment::environment;
use crate::backbones::{Device, Precision, RunOptions, RuntimeLibrary};
use crate::error::{Provider, Result, RuntimeProblem};

/// Checks whether the library was built with an execution provider.
type Available = fn() -> ort::Result<bool>;

/// Returns the execution providers in the library that frostline knows.
///
/// # Errors
/// [`RuntimeProblem::Start`] if the library cannot be started.
pub(crate) fn available_providers(library: &RuntimeLibrary) -> Result<Vec<&'static str>> {
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

/// Checks that the library was built with the execution provider of a device. Whether the device works shows
/// only when a session is opened.
///
/// # Errors
/// [`RuntimeProblem::NoProvider`] naming what is missing.
pub(super) fn require(device: Device, library: &RuntimeLibrary) -> Result<()> {
    let (provider, available): (_, Available) = match device {
        Device::Cpu => return Ok(()),
        Device::Cuda(_) => (Provider::Cuda, ep::CUDA::is_available),
        Device::TensorRt(_) => (Provider::TensorRt, ep::TensorRT::is_available),
        Device::CoreMl => (Provider::CoreMl, ep::CoreML::is_available),
        Device::DirectMl(_) => (Provider::DirectMl, ep::DirectML::is_available),
        Device::OpenVino => (Provider::OpenVino, ep::OpenVINO::is_available),
    };
    if available().unwrap_or(false) {
        return Ok(());
    }
    let file = format!(
        "{}onnxruntime_providers_{}{}",
        std::env::consts::DLL_PREFIX,
        provider.name().to_lowercase(),
        std::env::consts::DLL_SUFFIX
    );
    let missing = RuntimeProblem::NoProvider {
        provider,
        version: library.version.clone(),
        missing: library.path.with_file_name(file),
    };
    Err(missing.into())
}

/// Adds the device's provider to a session.
///
/// On NVIDIA's GPUs, every node must run on the GPU. Other devices leave unsupported nodes to the CPU.
pub(super) fn register(
    builder: SessionBuilder,
    device: Device,
    options: &RunOptions,
) -> ort::Result<SessionBuilder> {
    let builder = register_leniently(builder, device, options)?;
    match device {
        Device::Cuda(_) | Device::TensorRt(_) => Ok(builder.with_disable_cpu_fallback()?),
        _ => Ok(builder),
    }
}

/// Adds the device's provider to a session, with a fallback to the CPU on every device.
pub(super) fn register_leniently(
    builder: SessionBuilder,
    device: Device,
    options: &RunOptions,
) -> ort::Result<SessionBuilder> {
    let providers = match device {
        Device::Cpu => return Ok(builder),
        Device::Cuda(index) => vec![cuda(index, options)],
        Device::TensorRt(index) => {
            let tensorrt = ep::TensorRT::default()
                .with_device_id(index)
                .with_fp16(options.precision == Precision::Fp16);
            vec![tensorrt.build(), cuda(index, options)]
        }
        Device::CoreMl => vec![ep::CoreML::default().build()],
        Device::DirectMl(index) => vec![ep::DirectML::default().with_device_id(index).build()],
        Device::OpenVino => vec![ep::OpenVINO::default().build()],
    };
    let strict = |provider: ExecutionProviderDispatch| provider.error_on_failure();
    let providers: Vec<_> = providers.into_iter().map(strict).collect();
    Ok(builder.with_execution_providers(providers)?)
}

/// Returns the CUDA provider. All batches have the same size (see `BatchSizes`), so the exhaustive search for
/// the fastest convolutions is needed only once.
fn cuda(index: i32, options: &RunOptions) -> ExecutionProviderDispatch {
    let cuda = ep::CUDA::default()
        .with_device_id(index)
        .with_conv_algorithm_search(ConvAlgorithmSearch::Exhaustive)
        // Powers of two would take up to twice the memory needed, which other processes on the GPU may want.
        .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
        .with_tf32(options.precision == Precision::Tf32);
    match options.gpu_memory {
        Some(bytes) => cuda.with_memory_limit(usize::try_from(bytes).unwrap_or(usize::MAX)),
        None => cuda,
    }
    .build()
}
