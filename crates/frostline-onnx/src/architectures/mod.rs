//! Networks that frostline knows how to build out of a file of weights.

mod conv_norm;
mod efficientnet_lite0;
mod plan;
mod resnet;
mod vgg;

use std::fmt;
use std::str::FromStr;

pub use self::plan::End;
use self::resnet::{Kind, ResNet};
use self::vgg::{Norm, Vgg};
use super::weights::StateDict;
use crate::Spliced;
use crate::error::{Error, Result};

/// A network's plan. All of them read pictures of 224 × 224 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// EfficientNet-Lite0: 1280 features.
    EfficientNetLite0,
    /// `ResNet`-18: 512 features.
    ResNet18,
    /// `ResNet`-50, torchvision's (the stride is in the 3 × 3 convolutions): 2048 features.
    ResNet50,
    /// VGG with 8 convolutions: 4096 features, as of all VGG.
    Vgg11,
    /// VGG with 8 convolutions and batch norms.
    Vgg11Bn,
    /// VGG with 10 convolutions.
    Vgg13,
    /// VGG with 10 convolutions and batch norms.
    Vgg13Bn,
    /// VGG with 13 convolutions.
    Vgg16,
    /// VGG with 13 convolutions and batch norms.
    Vgg16Bn,
    /// VGG with 16 convolutions.
    Vgg19,
    /// VGG with 16 convolutions and batch norms.
    Vgg19Bn,
}

/// Networks that one plan builds, with what they differ in.
enum Family {
    EfficientNetLite0,
    ResNet(Kind, [usize; 4]),
    Vgg([usize; 5], Norm),
}

/// The convolutions of the blocks of VGG.
const VGG11: [usize; 5] = [1, 1, 2, 2, 2];
const VGG13: [usize; 5] = [2, 2, 2, 2, 2];
const VGG16: [usize; 5] = [2, 2, 3, 3, 3];
const VGG19: [usize; 5] = [2, 2, 4, 4, 4];

impl Architecture {
    /// All that are known, in order of their names: as many as there are up to the last of them.
    pub const ALL: [Self; Self::Vgg19Bn as usize + 1] = [
        Self::EfficientNetLite0,
        Self::ResNet18,
        Self::ResNet50,
        Self::Vgg11,
        Self::Vgg11Bn,
        Self::Vgg13,
        Self::Vgg13Bn,
        Self::Vgg16,
        Self::Vgg16Bn,
        Self::Vgg19,
        Self::Vgg19Bn,
    ];

    fn name_and_family(self) -> (&'static str, Family) {
        match self {
            Self::EfficientNetLite0 => ("efficientnet-lite0", Family::EfficientNetLite0),
            Self::ResNet18 => ("resnet18", Family::ResNet(Kind::Basic, [2, 2, 2, 2])),
            Self::ResNet50 => ("resnet50", Family::ResNet(Kind::Bottleneck, [3, 4, 6, 3])),
            Self::Vgg11 => ("vgg11", Family::Vgg(VGG11, Norm::None)),
            Self::Vgg11Bn => ("vgg11-bn", Family::Vgg(VGG11, Norm::Batch)),
            Self::Vgg13 => ("vgg13", Family::Vgg(VGG13, Norm::None)),
            Self::Vgg13Bn => ("vgg13-bn", Family::Vgg(VGG13, Norm::Batch)),
            Self::Vgg16 => ("vgg16", Family::Vgg(VGG16, Norm::None)),
            Self::Vgg16Bn => ("vgg16-bn", Family::Vgg(VGG16, Norm::Batch)),
            Self::Vgg19 => ("vgg19", Family::Vgg(VGG19, Norm::None)),
            Self::Vgg19Bn => ("vgg19-bn", Family::Vgg(VGG19, Norm::Batch)),
        }
    }

    /// The network with these weights, from `input` (N, 3, 224, 224) to its `end`.
    ///
    /// Batch norms are folded into the convolutions; dropout does nothing at inference, and is left out. The
    /// classifier's classes are as many as the file has; where it is not kept, it need not be there. VGG and
    /// `ResNet` may be thinner or wider than the published ones, all layers in the same ratio: the first
    /// convolution tells.
    ///
    /// # Errors
    /// [`Error::Weights`] where tensors are missing, unexpected, or of another shape, with their names.
    pub fn build(self, weights: &StateDict, end: End) -> Result<Spliced> {
        match self.name_and_family().1 {
            Family::EfficientNetLite0 => efficientnet_lite0::build(weights, end),
            Family::ResNet(kind, blocks) => ResNet { kind, blocks }.build(weights, end),
            Family::Vgg(convs, norm) => Vgg { convs, norm }.build(weights, end),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name_and_family().0)
    }
}

impl FromStr for Architecture {
    type Err = Error;

    /// A name as [`fmt::Display`] has it, or as torchvision has it: `vgg19_bn`.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|known| known.to_string() == name)
            .ok_or_else(|| Error::UnknownArchitecture {
                name: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for known in Architecture::ALL {
            assert_eq!(known.to_string().parse::<Architecture>().unwrap(), known);
        }
        assert_eq!(
            "vgg19_bn".parse::<Architecture>().unwrap(),
            Architecture::Vgg19Bn
        );
        let error = "vgg20".parse::<Architecture>().unwrap_err();
        assert_eq!(error.to_string(), "there is no architecture `vgg20`");
    }
}
