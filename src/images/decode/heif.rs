//! HEIC and AVIF: images coded with HEVC or AV1 in a HEIF container (ISO/IEC 23008-12).
//!
//! Only the primary image is decoded, not the other images of a burst, thumbnails, depth maps or gain maps.
//! The container's own transformations (`clap`, `irot`, `imir`) belong to the image and are always applied;
//! the orientation in an EXIF block repeats them and is ignored.

#[cfg(feature = "avif")]
mod av1;
mod colour;
mod container;
mod fault;
#[cfg(feature = "heic")]
mod hevc;
mod item;
mod matrix;
mod planes;
mod transforms;
mod upsample;

use heifer_isobmff::{HeifFile, ItemId};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageResult};

use self::colour::{add_alpha, to_rgb};
use self::fault::Fault;
use self::transforms::Transforms;
use crate::images::Format;

/// A HEIC or AVIF whose boxes have been read.
pub(super) struct HeifDecoder<'a> {
    format: Format,
    file: HeifFile<'a>,
    alpha: Option<ItemId>,
    transforms: Transforms,
}

impl<'a> HeifDecoder<'a> {
    /// Reads everything except the coded pixels.
    pub(super) fn new(format: Format, bytes: &'a [u8]) -> ImageResult<Self> {
        Self::read_boxes(format, bytes).map_err(|fault| fault.of(format))
    }

    fn read_boxes(format: Format, bytes: &'a [u8]) -> Result<Self, Fault> {
        let file = container::parse(bytes)?;
        let size = item::size(&file, file.primary_id)?;
        Ok(Self {
            format,
            alpha: container::alpha_of(&file, file.primary_id)?,
            transforms: transforms::of(&file, size)?,
            file,
        })
    }

    fn read_pixels(&self, samples: &mut [u8]) -> Result<(), Fault> {
        let channels = usize::from(self.color_type().channel_count());
        let mut picture = item::planes(&self.file, self.file.primary_id)?;
        picture.turned = self.transforms.parts(picture.chroma);
        to_rgb(&picture, &self.transforms.crop, channels, samples)?;
        drop(picture);
        if let Some(alpha) = self.alpha {
            let size = item::size(&self.file, self.file.primary_id)?;
            let own = item::size(&self.file, alpha)?;
            if own.0 > size.0 || own.1 > size.1 {
                return Err(Fault::damaged("its alpha plane is larger than the image"));
            }
            let alpha = item::planes(&self.file, alpha)?;
            add_alpha(&alpha, size, &self.transforms.crop, samples);
        }
        Ok(())
    }
}

impl ImageDecoder for HeifDecoder<'_> {
    /// The size before rotation.
    fn dimensions(&self) -> (u32, u32) {
        let crop = &self.transforms.crop;
        (crop.width, crop.height)
    }

    fn color_type(&self) -> ColorType {
        match self.alpha {
            Some(_) => ColorType::Rgba8,
            None => ColorType::Rgb8,
        }
    }

    fn orientation(&mut self) -> ImageResult<Orientation> {
        Ok(self.transforms.orientation())
    }

    fn read_image(self, samples: &mut [u8]) -> ImageResult<()> {
        self.read_pixels(samples)
            .map_err(|fault| fault.of(self.format))
    }

    fn read_image_boxed(self: Box<Self>, samples: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(samples)
    }
}

/// Returns whether the colours of an image are already multiplied by its alpha.
pub(super) fn is_premultiplied(bytes: &[u8]) -> bool {
    container::parse(bytes).is_ok_and(|file| {
        let alphas = file.referenced_items(file.primary_id, b"prem");
        !alphas.is_empty()
    })
}
