//! Views of an image: the centre, its corners, and their mirror images.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One view of an image: a crop, optionally mirrored left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum View {
    /// The centre.
    #[default]
    Center,
    /// The top left corner.
    TopLeft,
    /// The top right corner.
    TopRight,
    /// The bottom left corner.
    BottomLeft,
    /// The bottom right corner.
    BottomRight,
    /// The centre, mirrored.
    CenterFlipped,
    /// The top left corner, mirrored.
    TopLeftFlipped,
    /// The top right corner, mirrored.
    TopRightFlipped,
    /// The bottom left corner, mirrored.
    BottomLeftFlipped,
    /// The bottom right corner, mirrored.
    BottomRightFlipped,
}

/// The position of a crop along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    Middle,
    End,
}

/// A named set of views; the first is the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Views {
    /// Only the centre.
    #[default]
    Center,
    /// The centre and its mirror image.
    Hflip,
    /// The centre and the four corners: torchvision's `five_crop`.
    FiveCrop,
    /// These five and their mirror images: torchvision's `ten_crop`.
    TenCrop,
}

impl View {
    /// Returns the position across and down.
    pub(super) fn places(self) -> (Place, Place) {
        use Place::{End, Middle, Start};
        match self {
            Self::Center | Self::CenterFlipped => (Middle, Middle),
            Self::TopLeft | Self::TopLeftFlipped => (Start, Start),
            Self::TopRight | Self::TopRightFlipped => (End, Start),
            Self::BottomLeft | Self::BottomLeftFlipped => (Start, End),
            Self::BottomRight | Self::BottomRightFlipped => (End, End),
        }
    }

    /// Returns whether the view is mirrored.
    pub(super) fn is_flipped(self) -> bool {
        matches!(
            self,
            Self::CenterFlipped
                | Self::TopLeftFlipped
                | Self::TopRightFlipped
                | Self::BottomLeftFlipped
                | Self::BottomRightFlipped
        )
    }
}

impl Views {
    /// Returns the views of the set, in the order in which they are stored.
    #[must_use]
    pub fn list(self) -> Vec<View> {
        const TEN: [View; 10] = [
            View::Center,
            View::TopLeft,
            View::TopRight,
            View::BottomLeft,
            View::BottomRight,
            View::CenterFlipped,
            View::TopLeftFlipped,
            View::TopRightFlipped,
            View::BottomLeftFlipped,
            View::BottomRightFlipped,
        ];
        match self {
            Self::Center => TEN[..1].to_vec(),
            Self::Hflip => vec![View::Center, View::CenterFlipped],
            Self::FiveCrop => TEN[..5].to_vec(),
            Self::TenCrop => TEN.to_vec(),
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Center => "center",
            Self::TopLeft => "top-left",
            Self::TopRight => "top-right",
            Self::BottomLeft => "bottom-left",
            Self::BottomRight => "bottom-right",
            Self::CenterFlipped => "center-flipped",
            Self::TopLeftFlipped => "top-left-flipped",
            Self::TopRightFlipped => "top-right-flipped",
            Self::BottomLeftFlipped => "bottom-left-flipped",
            Self::BottomRightFlipped => "bottom-right-flipped",
        })
    }
}

impl FromStr for Views {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "center" => Self::Center,
            "hflip" => Self::Hflip,
            "five-crop" => Self::FiveCrop,
            "ten-crop" => Self::TenCrop,
            _ => return Err("expected `center`, `hflip`, `five-crop` or `ten-crop`".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_is_first_in_each_set() {
        for (text, count) in [
            ("center", 1),
            ("hflip", 2),
            ("five-crop", 5),
            ("ten-crop", 10),
        ] {
            let views = text.parse::<Views>().unwrap().list();
            assert_eq!((views.len(), views[0]), (count, View::Center));
        }
        assert!("corners".parse::<Views>().is_err());
    }

    #[test]
    fn names_in_files_are_those_that_are_shown() {
        for view in Views::TenCrop.list() {
            assert_eq!(
                serde_json::to_value(view).unwrap(),
                serde_json::Value::from(view.to_string())
            );
        }
    }
}
