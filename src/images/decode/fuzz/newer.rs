//! Small HEIC, AVIF and JPEG XL files as seeds for a fuzzer: no encoder here writes them.

use crate::images::sniff;

/// Small images of different kinds from `tests/golden/newer`.
const FILES: [&[u8]; 18] = [
    include_bytes!("../../../../tests/golden/newer/quarter.heic"),
    include_bytes!("../../../../tests/golden/newer/half.heic"),
    include_bytes!("../../../../tests/golden/newer/gray.heic"),
    include_bytes!("../../../../tests/golden/newer/alpha.heic"),
    include_bytes!("../../../../tests/golden/newer/deep10.heic"),
    include_bytes!("../../../../tests/golden/newer/turned6.heic"),
    include_bytes!("../../../../tests/golden/newer/crop_odd.heic"),
    include_bytes!("../../../../tests/golden/newer/grid_turned.heic"),
    include_bytes!("../../../../tests/golden/newer/quarter.avif"),
    include_bytes!("../../../../tests/golden/newer/full.avif"),
    include_bytes!("../../../../tests/golden/newer/gray.avif"),
    include_bytes!("../../../../tests/golden/newer/alpha_premultiplied.avif"),
    include_bytes!("../../../../tests/golden/newer/turned6.avif"),
    include_bytes!("../../../../tests/golden/newer/grid.avif"),
    include_bytes!("../../../../tests/golden/newer/lossy.jxl"),
    include_bytes!("../../../../tests/golden/newer/gray_lossless.jxl"),
    include_bytes!("../../../../tests/golden/newer/alpha.jxl"),
    include_bytes!("../../../../tests/golden/newer/exif6.jxl"),
];

/// Returns the files whose decoders are in this build.
pub(super) fn seeds() -> impl Iterator<Item = Vec<u8>> {
    let built_in = FILES.iter().filter(|file| sniff(file).is_ok());
    built_in.map(|file| file.to_vec())
}
