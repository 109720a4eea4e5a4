//! Generated images.

use std::fs;
use std::path::Path;

use image::RgbImage;

/// Creates an image of one colour with a texture that depends on `seed`.
pub(crate) fn picture(width: u32, height: u32, colour: [u8; 3], seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let grain = (x * 7 + y * 13 + seed * 31 + x * y) % 40;
        image::Rgb(colour.map(|c| c.saturating_sub(20).saturating_add(grain as u8)))
    })
}

/// Writes an image as PNG and creates its parent folders.
pub(crate) fn write_picture(path: &Path, colour: [u8; 3], seed: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture(40, 30, colour, seed)
        .save_with_format(path, image::ImageFormat::Png)
        .unwrap();
}

pub(crate) const RED: [u8; 3] = [200, 40, 30];
pub(crate) const WHITE: [u8; 3] = [255; 3];
pub(crate) const BLUE: [u8; 3] = [40, 60, 200];

/// Writes `root/{blue,red}/0.png …`, `n` images per class, all different.
pub(crate) fn two_classes(root: &Path, n: u32, seed: u32) {
    for i in 0..n {
        write_picture(&root.join(format!("blue/{i}.png")), BLUE, seed + i);
        write_picture(&root.join(format!("red/{i}.png")), RED, seed + 1000 + i);
    }
}
