//! Networks that frostline can build from a weights file.

mod conv_norm;
mod efficientnet_lite;
mod find;
mod place;
mod plan;
mod resnet;
mod vgg;

use std::fmt;
use std::io::{Read, Seek};
use std::str::FromStr;

use self::efficientnet_lite::EfficientNetLite;
pub use self::find::Found;
pub use self::place::{Place, WeightsOf};
pub use self::plan::End;
use self::plan::Plan;
use self::resnet::{Kind, ResNet};
use self::vgg::{Norm, Vgg};
use super::weights::{Checkpoint, StateDict};
use crate::Spliced;
use crate::error::{Error, Result};

/// A network architecture. Images have 224 × 224 pixels unless stated otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// EfficientNet-Lite0: 1280 features.
    EfficientNetLite0,
    /// EfficientNet-Lite1: 1280 features of images of 240 × 240 pixels.
    EfficientNetLite1,
    /// EfficientNet-Lite2: 1280 features of images of 260 × 260 pixels.
    EfficientNetLite2,
    /// `ResNet`-18: 512 features.
    ResNet18,
    /// `ResNet`-50 as in torchvision (the stride is in the 3 × 3 convolutions): 2048 features.
    ResNet50,
    /// VGG with 8 convolutions: 4096 features, like every VGG.
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

/// Networks built by the same code, with the parameters that distinguish them.
enum Family {
    EfficientNetLite(EfficientNetLite),
    ResNet(Kind, [usize; 4]),
    Vgg([usize; 5], Norm),
}

/// The number of convolutions in each VGG block.
const VGG11: [usize; 5] = [1, 1, 2, 2, 2];
const VGG13: [usize; 5] = [2, 2, 2, 2, 2];
const VGG16: [usize; 5] = [2, 2, 3, 3, 3];
const VGG19: [usize; 5] = [2, 2, 4, 4, 4];

/// Returns the EfficientNet-Lite with these ratios of channels and repeats, in tenths, for these images.
fn lite(width: usize, depth: usize, size: usize) -> Family {
    Family::EfficientNetLite(EfficientNetLite { width, depth, size })
}

impl Architecture {
    /// All architectures, in order of their names.
    pub const ALL: [Self; Self::Vgg19Bn as usize + 1] = [
        Self::EfficientNetLite0,
        Self::EfficientNetLite1,
        Self::EfficientNetLite2,
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
            Self::EfficientNetLite0 => ("efficientnet-lite0", lite(10, 10, 224)),
            Self::EfficientNetLite1 => ("efficientnet-lite1", lite(10, 11, 240)),
            Self::EfficientNetLite2 => ("efficientnet-lite2", lite(11, 12, 260)),
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

    /// Builds the network with these weights, from `input` (N, 3, height, width) to its `end`.
    ///
    /// Batch norms are folded into the convolutions; dropout has no effect at inference and is omitted. The
    /// file determines the number of classes; if the network ends at the features, the file needs no
    /// classifier. VGG and `ResNet` may be narrower or wider than published, all layers by the same ratio;
    /// the first convolution determines the width.
    ///
    /// # Errors
    /// [`Error::Weights`] naming the tensors that are missing, unexpected or of the wrong shape.
    pub fn build(self, weights: &StateDict, end: End) -> Result<Spliced> {
        self.plan(weights).build(weights, end)
    }

    /// Finds and reads the weights of this network in a checkpoint.
    ///
    /// They may be in any dictionary of the checkpoint, such as `state_dict` or `model`, and all names may
    /// start with the same prefix, such as `module.`: whatever then has all tensors of the network, in the
    /// right shapes, is used. If the network ends at the features, its classifier may have any shape.
    ///
    /// # Errors
    /// [`Error::Weights`] if no weights match, or several do of which `of` does not choose one; those of
    /// [`Checkpoint::open`] if the values cannot be read.
    pub fn find<R: Read + Seek>(
        self,
        checkpoint: &mut Checkpoint<R>,
        end: End,
        of: &WeightsOf,
    ) -> Result<Found> {
        find::find(|weights| self.plan(weights), end, checkpoint, of)
    }

    /// Returns the plan of the network for these weights.
    fn plan(self, weights: &StateDict) -> Plan {
        match self.name_and_family().1 {
            Family::EfficientNetLite(lite) => lite.plan(),
            Family::ResNet(kind, blocks) => ResNet { kind, blocks }.plan(weights),
            Family::Vgg(convs, norm) => Vgg { convs, norm }.plan(weights),
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

    /// Parses a name as printed by [`fmt::Display`], or as torchvision spells it: `vgg19_bn`.
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
        assert_eq!(error.to_string(), "unknown architecture `vgg20`");
    }
}
