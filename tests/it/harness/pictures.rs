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

/// Writes `root/{blue,red}/{00…}.ppm`, `n` images per class, all different.
pub(crate) fn two_patterns(root: &Path, n: u32) {
    for class in ["blue", "red"] {
        for i in 0..n {
            let file = root.join(format!("{class}/{i:02}.ppm"));
            write_pattern(&file, class, &format!("{class} {i}"), 8);
        }
    }
}

/// Writes a picture of `side` × `side` pixels: the pattern of its class, and as much noise of its own. Two
/// pictures of a class are similar, but no near-duplicates.
pub(crate) fn write_pattern(file: &Path, class: &str, seed: &str, side: usize) {
    let bytes = |seed: &str| {
        let mut bytes = vec![0; side * side * 3];
        blake3::Hasher::new()
            .update(seed.as_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    };
    let mixed = bytes(class).into_iter().zip(bytes(seed));
    let mixed: Vec<u8> = mixed
        .map(|(pattern, noise)| pattern / 2 + noise / 2)
        .collect();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let header = format!("P6 {side} {side} 255\n");
    fs::write(file, [header.as_bytes(), &mixed].concat()).unwrap();
}
