//! Seeds for images, one format per target.

use frostline::images::fuzz;
use frostline::images::{Format, sniff};

use super::Seed;

pub(super) fn seeds(target: &str) -> Vec<Seed> {
    let format = match target {
        "image_jpeg" => Format::Jpeg,
        "image_png" => Format::Png,
        "image_gif" => Format::Gif,
        "image_webp" => Format::WebP,
        "image_bmp" => Format::Bmp,
        "image_tiff" => Format::Tiff,
        "image_pnm" => Format::Pnm,
        "image_heic" => Format::Heic,
        "image_avif" => Format::Avif,
        "image_jxl" => Format::Jxl,
        other => panic!("`{other}` has no seeds"),
    };
    let whole = fuzz::seeds().into_iter();
    let whole = whole.filter(|seed| sniff(seed) == Ok(format));
    let mut seeds: Vec<Seed> = whole
        .map(|seed| Seed::accepted("a valid image", seed))
        .collect();
    seeds.extend(faults(format));
    seeds
}

fn faults(format: Format) -> Vec<Seed> {
    match format {
        Format::Png => vec![
            Seed::unharmed(
                "a colour profile that expands to 64 MiB",
                bomb(Bomb::Profile),
            ),
            Seed::unharmed("a text that expands to 64 MiB", bomb(Bomb::Text)),
        ],
        Format::Bmp => vec![Seed::refused(
            "a header with more pixels than fit in memory",
            VAST_BMP,
        )],
        Format::Pnm => vec![
            Seed::refused(
                "4294967295 × 4294967295 pixels",
                "P6 4294967295 4294967295 255\n",
            ),
            Seed::refused("a maximum sample value of 0", "P5 1 1 0\n\0"),
        ],
        Format::Gif => vec![Seed::refused(
            "65535 × 65535 pixels without a frame",
            VAST_GIF,
        )],
        Format::WebP => vec![Seed::unharmed(
            "an EXIF block of 2 GiB that is missing",
            vast_exif(),
        )],
        Format::Heic => vec![
            Seed::refused("an `iloc` with offsets of zero bytes", vast_places()),
            Seed::refused("an image of 4294967295 columns and rows", vast_heic()),
        ],
        Format::Jpeg | Format::Tiff | Format::Avif | Format::Jxl => Vec::new(),
    }
}

const VAST_BMP: &[u8] =
    b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\0\x18\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const VAST_GIF: &[u8] = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff\x3b";

fn vast_exif() -> Vec<u8> {
    let with_exif = |file: &Vec<u8>| file.windows(4).rposition(|name| name == b"EXIF");
    let mut webps = fuzz::seeds()
        .into_iter()
        .filter(|seed| sniff(seed) == Ok(Format::WebP));
    let mut file = webps
        .find(|file| with_exif(file).is_some())
        .expect("one seed has EXIF");
    let length = with_exif(&file).expect("it was found") + 4;
    file[length..length + 4].copy_from_slice(&(1_u32 << 31).to_le_bytes());
    file
}

/// Returns the first HEIC seed; empty if there is none.
fn heic() -> Vec<u8> {
    let mut files = fuzz::seeds().into_iter();
    files
        .find(|file| sniff(file) == Ok(Format::Heic))
        .unwrap_or_default()
}

/// Returns the HEIC with other bytes at an offset after a box name.
fn changed(name: &[u8], behind: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = heic();
    if let Some(at) = file.windows(4).position(|found| found == name) {
        file[at + behind..at + behind + bytes.len()].copy_from_slice(bytes);
    }
    file
}

/// Returns a HEIC whose `iloc` lists 65,535 items with offsets and lengths of zero bytes.
fn vast_places() -> Vec<u8> {
    changed(b"iloc", 8, &[0, 0, 0xff, 0xff])
}

fn vast_heic() -> Vec<u8> {
    changed(b"ispe", 8, &[0xff; 8])
}

/// The part of a small PNG that expands to 64 MiB.
#[derive(Clone, Copy, PartialEq)]
enum Bomb {
    Profile,
    Text,
}

fn bomb(bomb: Bomb) -> Vec<u8> {
    let mut info = png::Info::with_size(2, 1);
    info.color_type = png::ColorType::Rgb;
    if bomb == Bomb::Profile {
        info.icc_profile = Some(vec![0; 64 << 20].into());
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut file, info).expect("the header is valid");
    if bomb == Bomb::Text {
        let text = " ".repeat(64 << 20);
        encoder
            .add_ztxt_chunk("Comment".to_owned(), text)
            .expect("it is text");
    }
    let mut writer = encoder.write_header().expect("memory can be written to");
    writer
        .write_image_data(&[9; 6])
        .expect("memory can be written to");
    writer.finish().expect("memory can be written to");
    file
}
