//! Translates ONNX Runtime's messages into errors.

use std::path::Path;

use crate::backbones::Device;
use crate::error::{DeviceProblem, Error, NetworkProblem, RuntimeProblem};

const NO_GPU: &str = "no CUDA-capable device is detected";

/// Returns why a device does not work, such as a missing library or driver.
pub(super) fn device(device: Device, message: &str) -> Error {
    let problem = if let Some(library) = missing_library(message) {
        without(library)
    } else if message.contains(NO_GPU) {
        DeviceProblem::NoGpu
    } else if let Some(gpus) = gpus(message) {
        DeviceProblem::NoSuchGpu(gpus)
    } else if is_driver(message) {
        DeviceProblem::Driver(tail(message).to_owned())
    } else {
        DeviceProblem::Other(tail(message).to_owned())
    };
    on(device, problem)
}

/// Returns the error if an NVIDIA library is missing. cuDNN is loaded only when an operator needs it.
pub(super) fn library(device: Device, message: &str) -> Option<Error> {
    let library = missing_library(message).filter(|_| device.is_nvidia())?;
    Some(on(device, without(library)))
}

/// Returns why a network cannot be opened.
pub(super) fn network(path: &Path, message: &str) -> Error {
    let message = message.to_owned();
    if is_out_of_memory(&message) {
        return NetworkProblem::TooLarge(message).at(path);
    }
    NetworkProblem::NotOpened(message).at(path)
}

fn on(device: Device, problem: DeviceProblem) -> Error {
    let device = device.to_string();
    RuntimeProblem::Device { device, problem }.into()
}

fn without(library: &str) -> DeviceProblem {
    match library {
        "libcuda.so.1" => DeviceProblem::NoDriver,
        library => DeviceProblem::NoLibrary(library.to_owned()),
    }
}

/// Returns the number of GPUs in the message about a number that is too high.
fn gpus(message: &str) -> Option<usize> {
    let (_, range) = message.split_once("Invalid device ID: ")?;
    let (_, end) = range.split_once("(inclusive) and ")?;
    end.split(' ').next()?.parse().ok()
}

/// Returns whether a run failed because the batch did not fit into memory.
pub(super) fn is_out_of_memory(message: &str) -> bool {
    [
        "out of memory",
        "OUT_OF_MEMORY",
        "Failed to allocate memory",
        "ALLOC_FAILED",
        // cuDNN 9: `CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED`.
        "ALLOCATION_FAILED",
        "bad_alloc",
        "Available memory of",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// Returns whether a session was refused because some of its nodes would run on the CPU.
pub(super) fn is_cpu_fallback(message: &str) -> bool {
    message.contains("fallback to CPU EP has been explicitly disabled")
}

/// Returns the library in `libcudnn.so.9: cannot open shared object file`.
fn missing_library(message: &str) -> Option<&str> {
    let (before, _) = message.split_once(": cannot open shared object file")?;
    before.rsplit([' ', '/']).next()
}

fn is_driver(message: &str) -> bool {
    [
        "driver version is insufficient",
        "invalid device ordinal",
        "CUDA failure",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// Returns the message without ONNX Runtime's source positions and error code.
fn tail(message: &str) -> &str {
    let after = message.rsplit_once("[ONNXRuntimeError] : ");
    let after = after.map_or(message, |(_, after)| after);
    // `1 : FAIL : what happened`
    let mut parts = after.splitn(3, " : ");
    let what = match (parts.next(), parts.next(), parts.next()) {
        (Some(code), Some(_), Some(rest)) if code.chars().all(|c| c.is_ascii_digit()) => rest,
        _ => after,
    };
    // `provider_options_utils.h:187 Parse Failed to parse provider option "device_id": what happened`
    let option = what.rsplit_once("Failed to parse provider option \"device_id\": ");
    option.map_or(what, |(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message of ONNX Runtime 1.31.1 if cuBLAS is missing.
    const NO_CUBLAS: &str = "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 \
        onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to \
        load library /opt/lib/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open \
        shared object file: No such file or directory";

    #[test]
    fn the_missing_library_is_named() {
        assert_eq!(missing_library(NO_CUBLAS), Some("libcublasLt.so.13"));
        let error = device(Device::Cuda(1), NO_CUBLAS);
        assert_eq!(
            error.to_string(),
            "the device cuda:1 does not work: `libcublasLt.so.13` is missing"
        );
    }

    #[test]
    fn a_missing_driver_is_no_library_to_install() {
        let message = "Failed to load library libonnxruntime_providers_cuda.so with error: libcuda.so.1: \
            cannot open shared object file: No such file or directory";
        let error = device(Device::Cuda(0), message);
        assert!(error.to_string().contains("the NVIDIA driver"), "{error}");
    }

    #[test]
    fn cudnn_may_be_missing_only_when_a_network_runs() {
        // Of ONNX Runtime 1.31.1.
        let message = "Non-zero status code returned while running Conv node. Name:'conv' Status Message: \
            cuda_kernel.h:272 static cudnnContext* \
            onnxruntime::cuda::CudaKernel::RequireCudnnHandle(cudnnHandle_t) [ONNXRuntimeError] : 9 : \
            NOT_IMPLEMENTED : cuDNN is unavailable or disabled for CUDA Execution Provider: dlopen failed \
            for libcudnn.so: libcudnn.so: cannot open shared object file: No such file or directory";
        let error = library(Device::Cuda(0), message).unwrap();
        assert_eq!(
            error.to_string(),
            "the device cuda:0 does not work: `libcudnn.so` is missing"
        );
        assert!(library(Device::Cpu, message).is_none());
        assert!(library(Device::Cuda(0), "Got invalid dimensions for input").is_none());
    }

    #[test]
    fn a_gpu_that_is_not_there_is_told_from_one_that_does_not_work() {
        // From cuda_execution_provider_info.cc of ONNX Runtime 1.31.1.
        let parse =
            "provider_options_utils.h:187 Parse Failed to parse provider option \"device_id\": ";
        let said = |what: &str| device(Device::Cuda(7), &format!("{parse}{what}")).to_string();
        let problem = |what: &str| said(what).split_off("the device cuda:7 does not work: ".len());
        assert_eq!(
            problem("CUDA failure 100: no CUDA-capable device is detected"),
            "no CUDA-capable device is detected"
        );
        assert_eq!(
            problem("Invalid device ID: 7, must be between 0 (inclusive) and 2 (exclusive)."),
            "this process sees 2 GPUs, numbered from 0"
        );
        assert_eq!(
            problem("CUDA failure 803: system has unsupported display driver"),
            "the driver reports: CUDA failure 803: system has unsupported display driver"
        );
    }

    #[test]
    fn positions_in_the_source_are_left_out() {
        assert!(tail(NO_CUBLAS).starts_with("Failed to load library"));
        assert_eq!(tail("plain words"), "plain words");
    }

    #[test]
    fn memory_that_ran_out_is_told_from_other_faults() {
        // From bfc_arena.cc and cuda_call.cc of ONNX Runtime 1.32.
        assert!(is_out_of_memory(
            "Non-zero status code returned while running Conv node. Status Message: bfc_arena.cc:376 Failed \
             to allocate memory for requested buffer of size 1234"
        ));
        assert!(is_out_of_memory("CUDA failure 2: out of memory"));
        assert!(!is_out_of_memory("Got invalid dimensions for input"));
    }
}
