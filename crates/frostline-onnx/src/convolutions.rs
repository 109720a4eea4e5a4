//! How 3×3 convolutions are computed on the CPU: what was asked for.

use std::fmt;
use std::str::FromStr;

/// How 3×3 convolutions of stride 1 are computed on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Convolutions {
    /// Each in the way that is faster for its shape.
    #[default]
    Auto,
    /// All in the Winograd domain, which needs a quarter of the multiplications, at a relative error of about
    /// 2e-6.
    Winograd,
    /// By ONNX Runtime, directly; the network is run just as its file has it.
    Direct,
}

impl fmt::Display for Convolutions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Winograd => "winograd",
            Self::Direct => "direct",
        })
    }
}

impl FromStr for Convolutions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "winograd" => Self::Winograd,
            "direct" => Self::Direct,
            _ => return Err("convolutions are auto, winograd or direct".to_owned()),
        })
    }
}
