//! The decoding policies as words, as they stand on the command line and in messages.

use std::fmt;
use std::str::FromStr;

use super::decode::{Alpha, Exif, JpegScale};

impl fmt::Display for Exif {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apply => "apply",
            Self::Ignore => "ignore",
        })
    }
}

impl FromStr for Exif {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "apply" => Ok(Self::Apply),
            "ignore" => Ok(Self::Ignore),
            _ => Err("the policies are apply and ignore"),
        }
    }
}

impl fmt::Display for Alpha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::White => "white",
            Self::Black => "black",
            Self::Drop => "drop",
        })
    }
}

impl FromStr for Alpha {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "white" => Ok(Self::White),
            "black" => Ok(Self::Black),
            "drop" => Ok(Self::Drop),
            _ => Err("the policies are white, black and drop"),
        }
    }
}

impl fmt::Display for JpegScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Reduced => "reduced",
        })
    }
}

impl FromStr for JpegScale {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "full" => Ok(Self::Full),
            "reduced" => Ok(Self::Reduced),
            _ => Err("the scales are full and reduced"),
        }
    }
}
