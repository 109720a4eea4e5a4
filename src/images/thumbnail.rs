//! JPEG thumbnails for HTML pages.

use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress};

use super::preprocess::MAX_EDGE;
use super::{Crop, Preprocessing, Preprocessor, Resize, RgbImage};

/// Encodes an image as a JPEG file whose longer edge is at most `edge` pixels (1 to 16,384).
///
/// Smaller images keep their size. `quality` is libjpeg's, 1 to 100.
///
/// # Panics
/// Never: an image holds 3 samples per pixel, and writing to memory does not fail.
#[must_use]
pub fn thumbnail(image: &RgbImage, edge: u32, quality: u8) -> Vec<u8> {
    let (width, height) = fitted((image.width(), image.height()), edge.clamp(1, MAX_EDGE));
    let settings = Preprocessing {
        resize: Resize::Exact(width, height),
        crop: Crop::None,
        ..Preprocessing::default()
    };
    let mut preprocessor = Preprocessor::new(&settings).expect("the edges are within the limits");
    let small = preprocessor.fit(image);
    compress(
        &small,
        width as usize,
        height as usize,
        PixelFormat::Rgb,
        quality,
        Subsampling::S420,
    )
    .expect("the buffer holds 3 samples per pixel, and writing to memory does not fail")
}

/// Scales a size down so that its longer edge is at most `edge`; both edges stay at least 1.
fn fitted((width, height): (u32, u32), edge: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= edge {
        return (width, height);
    }
    let scaled = |side: u32| {
        let scaled = (f64::from(side) * f64::from(edge) / f64::from(longer)).round() as u32;
        scaled.max(1)
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::{DecodeOptions, decode};

    #[test]
    fn the_longer_edge_is_as_asked_for() {
        assert_eq!(fitted((1000, 500), 100), (100, 50));
        assert_eq!(fitted((3, 9000), 90), (1, 90));
        assert_eq!(fitted((40, 30), 96), (40, 30));
    }

    #[test]
    fn a_thumbnail_is_a_jpeg_of_the_same_picture() {
        let colour = [200, 60, 20];
        let image = RgbImage::new(300, 150, colour.repeat(300 * 150)).unwrap();
        let jpeg = thumbnail(&image, 96, 75);
        let read = decode(&jpeg, &DecodeOptions::default()).unwrap();
        assert_eq!((read.width(), read.height()), (96, 48));
        let near = |pixel: &[u8]| pixel.iter().zip(colour).all(|(&a, b)| a.abs_diff(b) <= 3);
        assert!(read.pixels().chunks(3).all(near));
    }
}
