//! Networks that frostline knows how to build out of a file of weights.

mod batch_norm;
mod efficientnet_lite0;
mod expected;

use std::fmt;
use std::str::FromStr;

use rten_onnx::onnx::ModelProto;

use super::weights::StateDict;
use crate::error::{Error, Result};

/// A network's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// EfficientNet-Lite0: 1280 features of a 224 × 224 picture.
    EfficientNetLite0,
}

impl Architecture {
    /// All that are known.
    pub const ALL: [Self; 1] = [Self::EfficientNetLite0];

    /// The network with these weights, without its classifier: `input` (N, 3, H, W) to `features` (N, D).
    ///
    /// # Errors
    /// [`Error::Network`] where tensors are missing, unexpected, or of another shape, with their names.
    pub fn build(self, weights: &StateDict) -> Result<ModelProto> {
        match self {
            Self::EfficientNetLite0 => efficientnet_lite0::build(weights),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EfficientNetLite0 => "efficientnet-lite0",
        })
    }
}

impl FromStr for Architecture {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.to_string() == text)
            .ok_or_else(|| Error::Input {
                problem: format!("there is no architecture `{text}`"),
                hint: format!(
                    "choose one of {}",
                    Self::ALL.map(|known| known.to_string()).join(", ")
                ),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        assert_eq!(
            "efficientnet-lite0".parse::<Architecture>().unwrap(),
            Architecture::EfficientNetLite0
        );
        let error = "vgg20".parse::<Architecture>().unwrap_err();
        assert_eq!(error.to_string(), "there is no architecture `vgg20`");
        assert_eq!(error.hint(), Some("choose one of efficientnet-lite0"));
    }
}
