//! Decodes JPEG XL with `jxl-oxide`, within memory limits.
//!
//! As the standard requires, the orientation in the codestream belongs to the image and is applied by the
//! decoder; EXIF blocks are ignored. Only the first frame of an animation is decoded.

use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageResult};
use jxl_oxide::image::ExtraChannelType;
use jxl_oxide::{
    AllocTracker, EnumColourEncoding, InitializeResult, JxlImage, JxlThreadPool, RenderingIntent,
};

use crate::caught::caught;
use crate::images::Format;

/// The most bytes per pixel of a large image: several times three channels of 32 bits.
const BYTES_A_PIXEL: u64 = 64;

/// Bytes in addition to the pixels': tables, and groups that are larger than a small image.
const BYTES_OF_TABLES: usize = 64 << 20;

/// A JPEG XL whose header has been read.
pub(super) struct JxlDecoder<'a> {
    image: JxlImage,
    /// The bytes that have not been passed to the decoder.
    rest: &'a [u8],
    color: ColorType,
}

impl<'a> JxlDecoder<'a> {
    /// Reads up to the first frame.
    pub(super) fn new(bytes: &'a [u8], max_pixels: u64) -> ImageResult<Self> {
        let memory = AllocTracker::with_limit(BYTES_OF_TABLES);
        let (image, rest) = caught(|| header(bytes, memory.clone()), |_| damaged(NONSENSE))?;
        let pixels = u64::from(image.width()) * u64::from(image.height());
        let most = pixels.min(max_pixels).saturating_mul(BYTES_A_PIXEL);
        memory.expand_limit(usize::try_from(most).unwrap_or(usize::MAX / 2));
        let header = image.image_header();
        let has_alpha = header.metadata.alpha().is_some();
        let color = match (header.metadata.grayscale(), has_alpha) {
            (true, false) => ColorType::L8,
            (true, true) => ColorType::La8,
            (false, false) => ColorType::Rgb8,
            (false, true) => ColorType::Rgba8,
        };
        Ok(Self { image, rest, color })
    }

    /// Feeds the decoder up to the end of the first keyframe, and no further.
    fn load_first_frame(&mut self) -> ImageResult<()> {
        while self.image.num_loaded_keyframes() == 0 {
            let next = &self.rest[..CHUNK.min(self.rest.len())];
            let read = self.image.feed_bytes(next);
            let read = read.map_err(|error| fault(&*error))?;
            if read == 0 {
                return Err(cut());
            }
            if self.image.num_loaded_frames() > MOST_FRAMES {
                return Err(unsupported("too many frames in one image"));
            }
            self.rest = &self.rest[read..];
        }
        Ok(())
    }

    fn read(mut self, samples: &mut [u8]) -> ImageResult<()> {
        let metadata = &self.image.image_header().metadata;
        let is_black = |kind: &ExtraChannelType| matches!(kind, ExtraChannelType::Black);
        if metadata.ec_info.iter().any(|extra| is_black(&extra.ty)) {
            return Err(unsupported("CMYK colours"));
        }
        self.load_first_frame()?;
        let srgb = match self.color {
            ColorType::L8 | ColorType::La8 => {
                EnumColourEncoding::gray_srgb(RenderingIntent::Relative)
            }
            _ => EnumColourEncoding::srgb(RenderingIntent::Relative),
        };
        self.image.request_color_encoding(srgb);
        let picture = self.image.render_frame(0).map_err(|error| fault(&*error))?;
        let mut stream = picture.stream();
        if stream.channels() != u32::from(self.color.channel_count()) {
            return Err(damaged("its number of channels differs from its header"));
        }
        stream.write_to_buffer(samples);
        Ok(())
    }
}

/// The limit of frames in an image: a frame may take a few bytes, yet as long to decode as all pixels.
const MOST_FRAMES: usize = 64;

/// The number of bytes passed to the decoder at a time, to find frames.
const CHUNK: usize = 64 << 10;

const NONSENSE: &str = "its codestream is inconsistent";

/// The number of bytes first passed to the decoder, to find the header.
const STEP: usize = 4096;

fn header(bytes: &[u8], memory: AllocTracker) -> ImageResult<(JxlImage, &[u8])> {
    let mut reader = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(memory)
        .build_uninit();
    let (mut rest, mut step) = (bytes, STEP);
    while !rest.is_empty() {
        let next = &rest[..step.min(rest.len())];
        let read = reader.feed_bytes(next).map_err(|error| fault(&*error))?;
        if read == 0 && next.len() == rest.len() {
            break;
        }
        // Each try starts over. With doubling steps, all tries together read at most twice as much.
        step *= 2;
        rest = &rest[read..];
        match reader.try_init().map_err(|error| fault(&*error))? {
            InitializeResult::NeedMoreData(more) => reader = more,
            InitializeResult::Initialized(image) => return Ok((image, rest)),
        }
    }
    Err(cut())
}

fn fault(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ImageError {
    let words = error.to_string();
    damaged(&words)
}

fn cut() -> ImageError {
    ImageError::IoError(std::io::ErrorKind::UnexpectedEof.into())
}

fn damaged(words: &str) -> ImageError {
    let hint = ImageFormatHint::Name(Format::Jxl.to_string());
    ImageError::Decoding(DecodingError::new(hint, words))
}

fn unsupported(words: &str) -> ImageError {
    let hint = ImageFormatHint::Name(Format::Jxl.to_string());
    let kind = UnsupportedErrorKind::GenericFeature(words.to_owned());
    ImageError::Unsupported(UnsupportedError::from_format_and_kind(hint, kind))
}

impl ImageDecoder for JxlDecoder<'_> {
    /// The size after rotation.
    fn dimensions(&self) -> (u32, u32) {
        (self.image.width(), self.image.height())
    }

    fn color_type(&self) -> ColorType {
        self.color
    }

    fn read_image(self, samples: &mut [u8]) -> ImageResult<()> {
        caught(|| self.read(samples), |_| damaged(NONSENSE))
    }

    fn read_image_boxed(self: Box<Self>, samples: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(samples)
    }
}

/// Returns whether the colours of an image are already multiplied by its alpha.
pub(super) fn is_premultiplied(bytes: &[u8]) -> bool {
    JxlDecoder::new(bytes, 0).is_ok_and(|decoder| {
        let metadata = &decoder.image.image_header().metadata;
        let mut extras = metadata.ec_info.iter();
        extras.any(|extra| extra.alpha_associated() == Some(true))
    })
}
