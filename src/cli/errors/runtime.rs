//! Ways out where ONNX Runtime, or a device of it, cannot be used.

use frostline::backbones::NO_TELEMETRY;
use frostline::error::{DeviceProblem, Provider, RuntimeProblem};

/// What the user can do about it.
pub(super) fn hint(problem: &RuntimeProblem) -> Option<String> {
    use RuntimeProblem as P;
    let hint = match problem {
        P::Missing { .. } | P::Library { .. } => {
            "run `scripts/setup.sh`, or `pip install onnxruntime` in an active environment, or set \
             ORT_DYLIB_PATH to a libonnxruntime"
        }
        P::RelativePath(_) => "set ORT_DYLIB_PATH to the library's absolute path",
        P::SearchPath { .. } => {
            "set LD_LIBRARY_PATH to absolute folders only, without a `:` at its beginning or end"
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
        P::WinogradInFp16 => "use --precision fp32, or leave --conv out",
        P::WinogradOffCpu => "use --device cpu, or leave --conv out",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What brings a part of ONNX Runtime.
fn bringing(provider: Provider) -> &'static str {
    match provider {
        Provider::Cuda => {
            "run `scripts/setup.sh --cuda`, or `pip install onnxruntime-gpu` and set ORT_DYLIB_PATH to its \
             libonnxruntime"
        }
        Provider::TensorRt => {
            "`pip install onnxruntime-gpu` and set ORT_DYLIB_PATH to its libonnxruntime"
        }
        Provider::CoreMl => "it is in the onnxruntime package for macOS",
        Provider::DirectMl => {
            "`pip install onnxruntime-directml` and set ORT_DYLIB_PATH to its onnxruntime.dll"
        }
        Provider::OpenVino => {
            "`pip install onnxruntime-openvino` and set ORT_DYLIB_PATH to its libonnxruntime"
        }
        _ => SEE_DOCTOR,
    }
}

const SEE_DOCTOR: &str = "see `frostline doctor`";

fn mending(problem: &DeviceProblem) -> String {
    let mending = match problem {
        DeviceProblem::NoDriver => "install the driver (see `nvidia-smi`)",
        DeviceProblem::NoLibrary(library) => return package(library),
        DeviceProblem::Driver(_) => {
            "see `nvidia-smi`: is there a GPU of this number, and is the driver new enough?"
        }
        _ => SEE_DOCTOR,
    };
    mending.to_owned()
}

/// What brings one of NVIDIA's libraries.
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
            "`pip install tensorrt`, and put its libraries on LD_LIBRARY_PATH".to_owned()
        }
        Some((_, package)) => format!(
            "run `scripts/setup.sh --cuda`, or `pip install {package}` where onnxruntime-gpu is installed"
        ),
        None => "put it on the loader's path (LD_LIBRARY_PATH)".to_owned(),
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
