//! A run's memory depends on the batch size, threads and limits, not on the number of images or the size of
//! files.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::harness::{Place, RED, command, measured, write_picture};

/// Bytes of pixels per image.
const PIXELS: usize = 100 * 100 * 3;

/// Writes `n` different images of 100 × 100 pixels in the format that is fastest to write.
fn pictures(place: &Place, folder: &str, n: usize) {
    let root = place.folder().join(folder);
    fs::create_dir(&root).unwrap();
    let mut bytes = b"P6 100 100 255\n".to_vec();
    let header = bytes.len();
    bytes.resize(header + PIXELS, 90);
    for i in 0..n {
        bytes[header..header + 8].copy_from_slice(&i.to_le_bytes());
        fs::write(root.join(format!("{i}.ppm")), &bytes).unwrap();
    }
}

#[test]
fn ten_times_the_images_take_no_more_memory() {
    let Some(place) = Place::installed() else {
        return;
    };
    let peak = |folder: &str, n: usize| {
        pictures(&place, folder, n);
        let line = format!("extract {{dir}}/{folder} -o {{dir}}/{folder}-features --threads 2");
        let (peak, ran) = measured(&mut place.command(&line));
        ran.exits(0);
        peak
    };
    let (few, many) = (peak("few", 400), peak("many", 4000));
    let grown = many.saturating_sub(few);
    // An index row takes a few hundred bytes, a part under construction at most 16 MiB; all pixels would take
    // 108 MB.
    assert!(few > 10 << 20, "{few} bytes are too few for a process");
    assert!(grown < 24 << 20, "{few} bytes, then {many}");
}

/// Writes one image and files of `length` bytes that consist of a few bytes and a hole. Returns `None` and
/// prints why if the file system has no sparse files.
fn long_files(place: &Place, start: &[u8], names: &[&str], length: u64) -> Option<()> {
    write_picture(&place.folder().join("images/a.png"), RED, 1);
    for name in names {
        let path = place.folder().join("images").join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(start).unwrap();
        file.set_len(length).unwrap();
        file.sync_all().unwrap();
        if file.metadata().unwrap().blocks() * 512 > length / 2 {
            eprintln!("not tested: {} is not sparse", path.display());
            return None;
        }
    }
    Some(())
}

const EIGHT: [&str; 8] = [
    "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "6.jpg", "7.jpg", "8.jpg",
];

#[test]
fn files_over_the_limit_are_not_read() {
    let sets: [(&[u8], &[&str], u64, &str); 2] = [
        (
            b"II*\0\x08\0\0\0",
            &["b.tif"],
            1_610_612_736,
            "b.tif: has 1,610,612,736 bytes, over the limit of 536,870,912 (raise it with --max-bytes)",
        ),
        (
            b"\xff\xd8\xff\xe0",
            &EIGHT,
            1 << 30,
            "8.jpg: has 1,073,741,824 bytes, over the limit",
        ),
    ];
    for (start, names, length, said) in sets {
        let place = Place::empty();
        if long_files(&place, start, names, length).is_none() {
            return;
        }
        let args = ["preview", &place.path("images"), "-o", &place.path("o.png")];
        let (peak, ran) = measured(&mut command(args));
        ran.exits(3).says(&[said]);
        assert!(peak < 300_000_000, "{peak} bytes");

        let Some(installed) = Place::installed() else {
            continue;
        };
        long_files(&installed, start, names, length);
        let line = "extract {dir}/images -o {dir}/features --threads 8";
        let (peak, ran) = measured(&mut installed.command(line));
        ran.exits(3).says(&[said, "1 computed"]);
        assert!(peak < 300_000_000, "{peak} bytes");
    }
}

/// 8 threads read 8 files of 100 MB that start like a JPEG and are refused only after they have been read.
#[test]
fn threads_share_the_memory_for_files() {
    let Some(place) = Place::installed() else {
        return;
    };
    if long_files(&place, b"\xff\xd8\xff\xe0", &EIGHT, 100_000_000).is_none() {
        return;
    }
    let line = "extract {dir}/images -o {dir}/features --threads 8";
    let (peak, ran) = measured(&mut place.command(line));
    ran.exits(3).says(&["8.jpg: is a", "1 computed"]);
    // 256 MiB for files, plus the rest of a run; all eight files would take 800 MB, and twice that during
    // decoding.
    assert!(peak < 500_000_000, "{peak} bytes");
}

/// Files that do not start like an image are not read to the end.
#[test]
fn long_files_that_are_no_images_take_no_memory() {
    let place = Place::empty();
    if long_files(&place, b"", &EIGHT, 400_000_000).is_none() {
        return;
    }
    let args = ["preview", &place.path("images"), "-o", &place.path("o.png")];
    let (peak, ran) = measured(&mut command(args));
    ran.exits(3)
        .says(&["8.jpg: is a file that starts with zero bytes, not an image"]);
    assert!(peak < 100_000_000, "{peak} bytes");
}

/// Returns a zlib stream of `packed` bytes that expands 159-fold: one code, "258 bytes like the last one",
/// repeated.
fn unfolding(packed: usize) -> Vec<u8> {
    // A final block with fixed codes and the literal 0; then the codes for length 258 and distance 1.
    let mut bits = vec![1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    while bits.len() < 8 * packed {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    bits.extend([0; 7]);
    let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
    [b"\x78\x01".to_vec(), bits.chunks(8).map(byte).collect()].concat()
}

/// PNGs of 3 MB, each with a profile or text that would expand to 477 MB.
#[test]
fn what_is_folded_beside_the_pixels_of_a_png_takes_no_memory() {
    let place = Place::empty();
    fs::create_dir(place.folder().join("images")).unwrap();
    let bomb = unfolding(3_000_000);
    let chunks: [(_, &[u8]); 3] = [
        (png::chunk::iCCP, b"icc\0\0"),
        (png::chunk::zTXt, b"Comment\0\0"),
        (png::chunk::iTXt, b"XML:com.adobe.xmp\0\x01\0\0\0"),
    ];
    for (kind, head) in chunks {
        let name = format!("images/{}.png", String::from_utf8_lossy(&kind.0));
        let file = File::create(place.folder().join(name)).unwrap();
        let mut writer = png::Encoder::new(file, 2, 2).write_header().unwrap();
        writer.write_chunk(kind, &[head, &bomb].concat()).unwrap();
        writer.write_image_data(&[0, 80, 160, 240]).unwrap();
        writer.finish().unwrap();
    }
    let args = ["preview", &place.path("images"), "-o", &place.path("o.png")];
    let (peak, ran) = measured(&mut command(args));
    ran.exits(0).says(&["3 images of"]);
    assert!(peak < 100_000_000, "{peak} bytes");
}

/// Writes a PNG with a mostly sparse EXIF block of 24 MB; decoders keep four copies of it.
fn png_with_long_exif(path: &Path, number: u8) {
    const LENGTH: u32 = 24_000_000;
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 2, 2).write_header().unwrap();
    writer.write_image_data(&[number, 80, 160, 240]).unwrap();
    writer.finish().unwrap();
    let (header, rest) = bytes.split_at(33);
    let mut file = File::create(path).unwrap();
    file.write_all(&[header, &LENGTH.to_be_bytes(), b"eXIf"].concat())
        .unwrap();
    file.seek(SeekFrom::Current(i64::from(LENGTH) + 4)).unwrap();
    file.write_all(rest).unwrap();
}

/// Writes a TIFF whose directory lists eight million offsets for its one strip; a decoder uses 32 bytes for
/// each.
fn tiff_of_many_strips(path: &Path, number: u8) {
    const COUNT: u32 = 8_000_000;
    let tags = [
        (256, 3, 1, 2),
        (257, 3, 1, 2),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 1, COUNT, 8),
        (279, 1, COUNT, 8 + u32::from(number)),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x07\0".to_vec();
    for (tag, kind, count, value) in tags {
        bytes.extend([u16::to_le_bytes(tag), u16::to_le_bytes(kind)].concat());
        bytes.extend([u32::to_le_bytes(count), u32::to_le_bytes(value)].concat());
    }
    let mut file = File::create(path).unwrap();
    file.write_all(&bytes).unwrap();
    file.set_len(u64::from(COUNT) + 1000).unwrap();
}

/// Writes an invalid PAM with a line of 4 MB, of which a decoder keeps ten copies.
fn pam_with_long_line(path: &Path, number: u8) {
    let fields = "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE ";
    let line = "A".repeat(4_000_000 + usize::from(number));
    fs::write(path, format!("{fields}{line}\nENDHDR\n123456")).unwrap();
}

/// Headers are read before a decoder's limits apply and outside the memory budget that threads share for
/// pixels.
#[test]
fn eight_hostile_headers_at_once_take_little_memory() {
    type Make = fn(&Path, u8);
    let Some(place) = Place::installed() else {
        return;
    };
    let make: [(&str, Make, u8); 3] = [
        ("png", png_with_long_exif, 0),
        ("tif", tiff_of_many_strips, 3),
        ("pam", pam_with_long_line, 3),
    ];
    for (kind, make, exit) in make {
        let root = place.folder().join(kind);
        fs::create_dir(&root).unwrap();
        write_picture(&root.join("a.png"), RED, 1);
        for number in 0..8 {
            // The extension does not have to match the content.
            make(&root.join(format!("{number}.jpg")), number);
        }
        let line = format!("extract {{dir}}/{kind} -o {{dir}}/{kind}-features --threads 8");
        let (peak, ran) = measured(&mut place.command(&line));
        ran.exits(i32::from(exit));
        // The budget for files, plus the rest of a run.
        assert!(peak < 400_000_000, "{kind}: {peak} bytes");
    }
}
