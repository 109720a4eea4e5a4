//! The device and the precision of a network, as requested and as used.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::words::words;

/// The requested device of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DeviceRequest {
    /// An NVIDIA GPU if it works, otherwise the CPU.
    #[default]
    Auto,
    /// This device, or an error if it does not work.
    Exactly(Device),
}

/// A device that runs a network, with the execution provider of ONNX Runtime that drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU, by its index.
    Cuda(i32),
    /// An NVIDIA GPU through `TensorRT`.
    TensorRt(i32),
    /// Apple's GPU and neural engine.
    CoreMl,
    /// A GPU of any vendor on Windows.
    DirectMl(i32),
    /// Intel's CPUs, GPUs and NPUs.
    OpenVino,
}

/// The floating-point precision that a network computes in. Its weights and features are always float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// float32 throughout.
    #[default]
    Fp32,
    /// float32, but matrix products on NVIDIA GPUs (Ampere and later) round their inputs to 10 bits: TF32.
    Tf32,
    /// float16 within the network.
    Fp16,
}

/// Returns whether this machine has an NVIDIA GPU with its driver, even if it is not used.
#[must_use]
pub fn has_nvidia_gpu() -> bool {
    [
        "/dev/nvidia0",
        "/proc/driver/nvidia/gpus",
        "/usr/lib/wsl/lib/libcuda.so.1",
        r"C:\Windows\System32\nvcuda.dll",
    ]
    .iter()
    .any(|place| std::path::Path::new(place).exists())
}

impl Device {
    /// Returns whether it is one of NVIDIA's GPUs.
    pub(crate) fn is_nvidia(self) -> bool {
        matches!(self, Self::Cuda(_) | Self::TensorRt(_))
    }

    /// Returns whether the device supports a precision. Only NVIDIA GPUs support TF32.
    #[must_use]
    pub fn computes_in(self, precision: Precision) -> bool {
        precision != Precision::Tf32 || self.is_nvidia()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::TensorRt(index) => write!(f, "tensorrt:{index}"),
            Self::CoreMl => f.write_str("coreml"),
            Self::DirectMl(index) => write!(f, "directml:{index}"),
            Self::OpenVino => f.write_str("openvino"),
        }
    }
}

impl fmt::Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exactly(device) => device.fmt(f),
        }
    }
}

impl FromStr for DeviceRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let split = text.split_once(':');
        let (name, index) = split.map_or((text, None), |(name, index)| (name, Some(index)));
        let number = || {
            let index = index.unwrap_or("0");
            let number = index.parse::<u8>().map(i32::from);
            number.map_err(|_| format!("`{index}` is not the index of a GPU"))
        };
        Ok(match (name, index) {
            ("auto", None) => Self::Auto,
            ("cpu", None) => Self::Exactly(Device::Cpu),
            ("cuda", _) => Self::Exactly(Device::Cuda(number()?)),
            ("tensorrt", _) => Self::Exactly(Device::TensorRt(number()?)),
            ("coreml", None) => Self::Exactly(Device::CoreMl),
            ("directml", _) => Self::Exactly(Device::DirectMl(number()?)),
            ("openvino", None) => Self::Exactly(Device::OpenVino),
            _ => {
                return Err(
                    "must be auto, cpu, cuda, cuda:N, tensorrt, coreml, directml or openvino"
                        .to_owned(),
                );
            }
        })
    }
}

words!(
    Precision,
    String,
    |text| "must be fp32, tf32 or fp16".to_owned(),
    Fp32 = "fp32",
    Tf32 = "tf32",
    Fp16 = "fp16",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "auto",
            "cpu",
            "cuda:3",
            "tensorrt:1",
            "coreml",
            "directml:0",
            "openvino",
        ] {
            assert_eq!(text.parse::<DeviceRequest>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceRequest::Exactly(Device::Cuda(0))));
        for text in ["fp32", "tf32", "fp16"] {
            assert_eq!(text.parse::<Precision>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn tf32_is_nvidias() {
        let devices = [
            Device::Cuda(1),
            Device::TensorRt(0),
            Device::Cpu,
            Device::CoreMl,
        ];
        let can = devices.map(|device| device.computes_in(Precision::Tf32));
        assert_eq!(can, [true, true, false, false]);
        assert!(Device::Cpu.computes_in(Precision::Fp16));
    }

    #[test]
    fn anything_else_is_an_error() {
        for text in [
            "", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "auto:1", "CUDA",
        ] {
            assert!(text.parse::<DeviceRequest>().is_err(), "{text}");
        }
        assert!("half".parse::<Precision>().is_err());
    }
}
