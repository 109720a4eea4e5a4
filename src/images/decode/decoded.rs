//! A decoded image and its share of the memory budget.

use std::ops::{Deref, Range};

use image::metadata::Orientation;

use super::jpeg::Planes;
use crate::images::budget::Permit;
use crate::images::{Picture, RgbImage};

/// An image with its share of a [`DecodeBudget`](crate::images::DecodeBudget), which is returned on drop.
#[derive(Debug)]
pub(crate) struct Decoded<'a, P = RgbImage> {
    pub(super) picture: P,
    pub(super) full_size: (u32, u32),
    pub(super) permit: Permit<'a>,
}

impl<P> Decoded<'_, P> {
    /// Returns the size of the upright image in its file, (width, height); the pixels have this size unless
    /// they were reduced.
    #[must_use]
    pub(crate) fn full_size(&self) -> (u32, u32) {
        self.full_size
    }
}

impl<P> Deref for Decoded<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.picture
    }
}

/// A decoded image in the form that its decoder produces.
#[derive(Debug)]
pub enum Pixels {
    /// 8-bit RGB.
    Rgb(RgbImage),
    /// The components of a JPEG, which take half of that with 4:2:0 chroma.
    Planes(Planes),
}

impl Pixels {
    pub(super) fn upright(self, orientation: Orientation) -> Self {
        match self {
            Self::Rgb(image) => Self::Rgb(image.upright(orientation)),
            Self::Planes(planes) => Self::Planes(planes.upright(orientation)),
        }
    }

    pub(super) fn num_bytes(&self) -> u64 {
        match self {
            Self::Rgb(image) => image.pixels().len() as u64,
            Self::Planes(planes) => planes.num_bytes(),
        }
    }

    /// Converts all pixels to 8-bit RGB.
    #[must_use]
    pub fn into_rgb(self) -> RgbImage {
        match self {
            Self::Rgb(image) => image,
            Self::Planes(planes) => planes.to_rgb(),
        }
    }
}

impl Picture for Pixels {
    fn size(&self) -> (u32, u32) {
        match self {
            Self::Rgb(image) => image.size(),
            Self::Planes(planes) => planes.size(),
        }
    }

    fn rows<'a>(
        &'a self,
        rows: Range<u32>,
        columns: Range<u32>,
        buffer: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        match self {
            Self::Rgb(image) => image.rows(rows, columns, buffer),
            Self::Planes(planes) => planes.rows(rows, columns, buffer),
        }
    }
}
