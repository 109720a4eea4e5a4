//! Hints for ONNX Runtime and devices that cannot be used.

use frostline::backbones::{NO_TELEMETRY, own_packages};
use frostline::error::{DeviceProblem, Provider, RuntimeProblem};

/// Returns what the user can do about the problem.
pub(super) fn hint(problem: &RuntimeProblem) -> Option<String> {
    use RuntimeProblem as P;
    let hint = match problem {
        P::Missing { .. } if own_packages().is_some() => {
            "run `pip install 'frostline[cpu]'` in the Python environment of this program, or run `frostline \
             setup`, or set ORT_DYLIB_PATH to the path of a libonnxruntime"
        }
        P::Missing { .. } | P::Library { .. } => {
            "run `frostline setup`, or run `pip install onnxruntime` in an active Python environment, or \
             set ORT_DYLIB_PATH to the path of a libonnxruntime"
        }
        P::RelativePath(_) => "set ORT_DYLIB_PATH to the library's absolute path",
        P::SearchPath { .. } => {
            "set LD_LIBRARY_PATH to absolute folders only, without a leading or trailing `:`"
        }
        P::Telemetry { .. } => {
            return Some(format!(
                "set {NO_TELEMETRY}=1 before this program starts, or at the start of its `main`"
            ));
        }
        P::Start { .. } => SEE_DOCTOR,
        P::NoProvider { provider, .. } => {
            return Some(format!("{}; or use --device cpu", bringing(*provider)));
        }
        P::Device { problem, .. } => {
            return Some(format!("{}; or use --device cpu", mending(problem)));
        }
        P::WinogradInFp16 => "use --precision fp32, or omit --conv",
        P::WinogradOffCpu => "use --device cpu, or omit --conv",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns how to install an execution provider of ONNX Runtime.
fn bringing(provider: Provider) -> &'static str {
    match provider {
        Provider::Cuda => {
            "run `frostline setup --cuda`, or run `pip install onnxruntime-gpu` and set ORT_DYLIB_PATH to \
             its libonnxruntime"
        }
        Provider::TensorRt => {
            "run `pip install onnxruntime-gpu` and set ORT_DYLIB_PATH to its libonnxruntime"
        }
        Provider::CoreMl => "install the onnxruntime package for macOS",
        Provider::DirectMl => {
            "run `pip install onnxruntime-directml` and set ORT_DYLIB_PATH to its onnxruntime.dll"
        }
        Provider::OpenVino => {
            "run `pip install onnxruntime-openvino` and set ORT_DYLIB_PATH to its libonnxruntime"
        }
        _ => SEE_DOCTOR,
    }
}

const SEE_DOCTOR: &str = "run `frostline doctor`";

fn mending(problem: &DeviceProblem) -> String {
    let mending = match problem {
        DeviceProblem::NoDriver => "install the driver and check it with `nvidia-smi`",
        DeviceProblem::NoLibrary(library) => return package(library),
        DeviceProblem::NoGpu | DeviceProblem::NoSuchGpu(_) => {
            "check with `nvidia-smi` that this GPU exists, and that CUDA_VISIBLE_DEVICES does not hide it"
        }
        DeviceProblem::Driver(_) => {
            "check with `nvidia-smi` that this GPU exists and that the driver is new enough"
        }
        _ => SEE_DOCTOR,
    };
    mending.to_owned()
}

/// Returns how to install an NVIDIA library.
fn package(library: &str) -> String {
    let package = [
        ("libcudnn", "nvidia-cudnn-cu13"),
        ("libcublas", "nvidia-cublas"),
        ("libcudart", "nvidia-cuda-runtime"),
        ("libcurand", "nvidia-curand"),
        ("libcufft", "nvidia-cufft"),
        ("libnvrtc", "nvidia-cuda-nvrtc"),
        ("libnvJitLink", "nvidia-nvjitlink"),
        ("libnvinfer", "tensorrt"),
    ]
    .into_iter()
    .find(|(prefix, _)| library.starts_with(prefix));
    match package {
        Some((_, "tensorrt")) => {
            "run `pip install tensorrt` and add its libraries to LD_LIBRARY_PATH".to_owned()
        }
        Some((_, package)) => format!(
            "run `frostline setup --cuda`, or `pip install {package}` where onnxruntime-gpu is installed"
        ),
        None => "add its folder to the loader's path (LD_LIBRARY_PATH)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_brought_by_its_package() {
        assert!(package("libcublasLt.so.13").contains("pip install nvidia-cublas`"));
        assert!(package("libcudnn.so.9").contains("pip install nvidia-cudnn-cu13`"));
        let hint = hint(&RuntimeProblem::Device {
            device: "cuda:1".to_owned(),
            problem: DeviceProblem::NoLibrary("libcublasLt.so.13".to_owned()),
        });
        assert!(hint.unwrap().ends_with("or use --device cpu"));
    }
}
