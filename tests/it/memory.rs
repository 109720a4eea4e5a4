//! The memory of a run is set by batch, threads and limits, and not by how many images there are or how long
//! files are.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::harness::{Place, RED, command, measured, write_picture};

/// Bytes of the pixels of one picture.
const PIXELS: usize = 100 * 100 * 3;

/// `n` different pictures of 100 × 100 pixels, in the format that is written the quickest.
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
    // A row of the index takes some hundred bytes, a part that is being filled 16 MiB at most; all pixels
    // would be 108 MB.
    assert!(few > 10 << 20, "{few} bytes are no process");
    assert!(grown < 24 << 20, "{few} bytes, then {many}");
}

/// Files of `length` bytes beside one picture: a few bytes, and then a hole. `None`, and a line that says so,
/// where the file system has no holes.
fn long_files(place: &Place, start: &[u8], names: &[&str], length: u64) -> Option<()> {
    write_picture(&place.folder().join("images/a.png"), RED, 1);
    for name in names {
        let path = place.folder().join("images").join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(start).unwrap();
        file.set_len(length).unwrap();
        file.sync_all().unwrap();
        if file.metadata().unwrap().blocks() * 512 > length / 2 {
            eprintln!("not tested: {} is no sparse file", path.display());
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

/// 8 threads and 8 files of 100 MB that begin as a JPEG does, and are refused only when they have been read.
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
    // 256 MiB for files, and the rest of a run; all eight would be 800 MB, and twice that while they are
    // decoded.
    assert!(peak < 500_000_000, "{peak} bytes");
}

/// Files that begin as no image does are not read to their end.
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

/// A zlib stream of so many bytes that unfolds to 159 times as many: one code again and again, "258 bytes as
/// the last".
fn unfolding(packed: usize) -> Vec<u8> {
    // A last block of fixed codes; the literal 0; then the code of a length of 258 and that of a distance of
    // 1.
    let mut bits = vec![1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    while bits.len() < 8 * packed {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    bits.extend([0; 7]);
    let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
    [b"\x78\x01".to_vec(), bits.chunks(8).map(byte).collect()].concat()
}

/// PNGs of 3 MB, each with a profile or text that would unfold to 477 MB.
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

/// A PNG with an EXIF block of 24 MB, most of it a hole in the file; decoders keep four copies of what they
/// are given.
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

/// A TIFF whose directory says that its one strip stands at eight million places, each of which a decoder
/// makes 32 bytes.
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

/// A PAM with a line of 4 MB, of which a decoder keeps ten copies; it is no picture.
fn pam_with_long_line(path: &Path, number: u8) {
    let fields = "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE ";
    let line = "A".repeat(4_000_000 + usize::from(number));
    fs::write(path, format!("{fields}{line}\nENDHDR\n123456")).unwrap();
}

/// Headers are read before a decoder has limits, and outside of the memory that threads share for pixels.
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
            // Names tell nothing of the content.
            make(&root.join(format!("{number}.jpg")), number);
        }
        let line = format!("extract {{dir}}/{kind} -o {{dir}}/{kind}-features --threads 8");
        let (peak, ran) = measured(&mut place.command(&line));
        ran.exits(i32::from(exit));
        // What the files themselves may take, and the rest of a run.
        assert!(peak < 400_000_000, "{kind}: {peak} bytes");
    }
}
