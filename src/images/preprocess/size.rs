//! Sizes in files and on the command line: a number, two numbers, or `none`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The resize before the crop: the shorter edge as `256`, a size as `[w, h]`, or `"none"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SizeForm", into = "SizeForm")]
#[non_exhaustive]
pub enum Resize {
    /// Scales the shorter edge to this many pixels, and the longer one to ⌊n · longer / shorter⌋.
    Shorter(u32),
    /// Scales to this width and height, whatever the aspect ratio.
    Exact(u32, u32),
    /// No resize.
    None,
}

/// The centre crop after the resize: `224`, `[w, h]` or `"none"`.
///
/// A smaller image is padded with black before the normalisation, as by torchvision's `CenterCrop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SizeForm", into = "SizeForm")]
#[non_exhaustive]
pub enum Crop {
    /// Width and height.
    Center(u32, u32),
    /// No crop.
    None,
}

/// A size as written in a file.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number of pixels from 1 to 16384, [width, height] or \"none\""
)]
pub(super) enum SizeForm {
    One(u32),
    Two([u32; 2]),
    Word(String),
}

const NONE: &str = "none";

impl TryFrom<SizeForm> for Resize {
    type Error = Error;

    fn try_from(form: SizeForm) -> Result<Self> {
        match form {
            SizeForm::One(n) => Ok(Self::Shorter(n)),
            SizeForm::Two([w, h]) => Ok(Self::Exact(w, h)),
            SizeForm::Word(word) if word == NONE => Ok(Self::None),
            SizeForm::Word(word) => Err(not_a_size("resize", &word)),
        }
    }
}

impl From<Resize> for SizeForm {
    fn from(resize: Resize) -> Self {
        match resize {
            Resize::Shorter(n) => Self::One(n),
            Resize::Exact(w, h) => Self::Two([w, h]),
            Resize::None => Self::Word(NONE.into()),
        }
    }
}

impl TryFrom<SizeForm> for Crop {
    type Error = Error;

    fn try_from(form: SizeForm) -> Result<Self> {
        match form {
            SizeForm::One(n) => Ok(Self::Center(n, n)),
            SizeForm::Two([w, h]) => Ok(Self::Center(w, h)),
            SizeForm::Word(word) if word == NONE => Ok(Self::None),
            SizeForm::Word(word) => Err(not_a_size("crop", &word)),
        }
    }
}

impl From<Crop> for SizeForm {
    fn from(crop: Crop) -> Self {
        match crop {
            Crop::Center(w, h) if w == h => Self::One(w),
            Crop::Center(w, h) => Self::Two([w, h]),
            Crop::None => Self::Word(NONE.into()),
        }
    }
}

impl FromStr for SizeForm {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text.split_once('x') {
            _ if text == NONE => Ok(Self::Word(NONE.into())),
            Some((w, h)) => Ok(Self::Two([w.parse()?, h.parse()?])),
            None => text.parse().map(Self::One),
        }
    }
}

impl fmt::Display for SizeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(n) => write!(f, "{n}"),
            Self::Two([w, h]) => write!(f, "{w}x{h}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

fn not_a_size(name: &'static str, value: &str) -> Error {
    let wanted = "a number of pixels from 1 to 16384, WIDTHxHEIGHT (320x240) or `none`";
    Error::parameter(name, value, wanted)
}

impl FromStr for Resize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse::<SizeForm>()
            .map_err(|_| not_a_size("resize", text))?
            .try_into()
    }
}

impl FromStr for Crop {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse::<SizeForm>()
            .map_err(|_| not_a_size("crop", text))?
            .try_into()
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SizeForm::from(*self).fmt(f)
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SizeForm::from(*self).fmt(f)
    }
}
