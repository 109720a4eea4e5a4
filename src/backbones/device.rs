//! Which device runs the network: what was asked for, and what it became.

use std::fmt;
use std::str::FromStr;

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceRequest {
    /// The GPU where it works, else the CPU.
    #[default]
    Auto,
    /// This device or an error.
    Exactly(Device),
}

/// A device that runs a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU, by its index.
    Cuda(i32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
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
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Exactly(Device::Cpu)),
            None if text == "cuda" => Ok(Self::Exactly(Device::Cuda(0))),
            Some(("cuda", index)) => match index.parse::<u8>() {
                Ok(index) => Ok(Self::Exactly(Device::Cuda(index.into()))),
                Err(_) => Err(format!("`{index}` is not the number of a GPU")),
            },
            _ => Err("the devices are auto, cpu, cuda and cuda:N".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_written_as_they_are_read() {
        for text in ["auto", "cpu", "cuda:0", "cuda:7"] {
            assert_eq!(text.parse::<DeviceRequest>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceRequest::Exactly(Device::Cuda(0))));
        for text in ["gpu", "cuda:", "cuda:-1", "cuda:x", ""] {
            assert!(text.parse::<DeviceRequest>().is_err(), "{text}");
        }
    }
}
