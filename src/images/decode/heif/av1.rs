//! Decodes AV1 with `re_rav1d`, a translation of dav1d.

use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings};

use super::fault::Fault;
use super::planes::{Chroma, Colours, Planes, Reference};
use crate::caught::caught;

/// Decodes the first image of a stream.
pub(super) fn decode(stream: Vec<u8>, max_pixels: u64) -> Result<Planes, Fault> {
    if stream.is_empty() {
        return Err(Fault::Cut);
    }
    if frames(&stream) > MOST_FRAMES {
        return Err(Fault::unsupported("a sequence instead of an image"));
    }
    caught(
        || first_picture(stream, max_pixels),
        |_| Fault::damaged("its AV1 stream is inconsistent"),
    )
}

/// The limit of frames, more than an image of several layers has: a hidden frame may take a few bytes, yet as
/// long to decode as all pixels.
const MOST_FRAMES: usize = 8;

/// Counts the frames that start in a stream (AV1 specification, 5.3).
fn frames(mut stream: &[u8]) -> usize {
    const FRAME_HEADER: u8 = 3;
    const FRAME: u8 = 6;
    let mut count = 0;
    while let Some((&header, rest)) = stream.split_first() {
        let kind = header >> 3 & 0xf;
        count += usize::from(matches!(kind, FRAME_HEADER | FRAME));
        let (has_extension, has_size) = (header >> 2 & 1, header >> 1 & 1 == 1);
        let rest = rest.get(usize::from(has_extension)..).unwrap_or_default();
        if !has_size {
            break;
        }
        // Seven bits per byte, the lowest first.
        let digits = rest.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let bytes = rest.iter().take(digits.min(8)).rev();
        let size = bytes.fold(0_usize, |size, byte| size << 7 | usize::from(byte & 0x7f));
        stream = rest.get(digits.saturating_add(size)..).unwrap_or_default();
    }
    count
}

fn first_picture(stream: Vec<u8>, max_pixels: u64) -> Result<Planes, Fault> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(max_pixels).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(fault)?;
    let mut sent = decoder.send_data(stream, None, None, None);
    loop {
        match sent {
            Ok(()) | Err(Error::Again) => {}
            Err(error) => return Err(fault(error)),
        }
        match decoder.get_picture() {
            Ok(picture) => return planes(&picture),
            // The whole stream has been read.
            Err(Error::Again) if sent.is_ok() => return Err(Fault::Cut),
            Err(Error::Again) => sent = decoder.send_pending_data(),
            Err(error) => return Err(fault(error)),
        }
    }
}

fn fault(error: Error) -> Fault {
    match error {
        Error::NotEnoughMemory => Fault::Memory,
        Error::UnsupportedBitstream => Fault::unsupported("an unknown kind of AV1 stream"),
        _ => Fault::damaged("its AV1 stream is invalid"),
    }
}

fn planes(picture: &Picture) -> Result<Planes, Fault> {
    let chroma = match picture.pixel_layout() {
        PixelLayout::I400 => Chroma::Gray,
        PixelLayout::I420 => Chroma::Quarter,
        PixelLayout::I422 => Chroma::Half,
        PixelLayout::I444 => Chroma::Full,
    };
    let mut planes = Planes {
        width: picture.width(),
        height: picture.height(),
        depth: picture.bit_depth() as u32,
        chroma,
        colours: Colours {
            matrix: matrix(picture.matrix_coefficients()),
            full_range: picture.color_range() == YUVRange::Full,
        },
        reference: Reference::Libavif,
        turned: false,
        strides: [0; 3],
        samples: [const { Vec::new() }; 3],
    };
    for plane in 0..3 {
        let (width, height) = planes.size_of(plane);
        if width > 0 {
            planes.samples[plane] = samples(picture, plane, width, height)?;
            planes.strides[plane] = width;
        }
    }
    Ok(planes)
}

/// Copies the samples of a plane, without the padding between its rows.
fn samples(
    picture: &Picture,
    plane: usize,
    width: usize,
    height: usize,
) -> Result<Vec<u16>, Fault> {
    let component = PlanarImageComponent::from(plane);
    let stride = picture.stride(component) as usize;
    let bytes = picture.plane(component);
    let mut samples = Vec::new();
    samples
        .try_reserve_exact(width * height)
        .map_err(|_| Fault::Memory)?;
    for row in bytes.chunks(stride).take(height) {
        if picture.bit_depth() == 8 {
            samples.extend(row[..width].iter().map(|&sample| u16::from(sample)));
        } else {
            let wide = row[..2 * width].as_chunks().0;
            samples.extend(wide.iter().map(|&sample| u16::from_ne_bytes(sample)));
        }
    }
    Ok(samples)
}

/// Returns the number of a matrix in ITU-T H.273; the matrices that are not converted all become 14.
fn matrix(matrix: MatrixCoefficients) -> u16 {
    match matrix {
        MatrixCoefficients::Identity => 0,
        MatrixCoefficients::BT709 => 1,
        MatrixCoefficients::Unspecified => 2,
        MatrixCoefficients::BT470M => 4,
        MatrixCoefficients::BT470BG | MatrixCoefficients::ST170M => 6,
        MatrixCoefficients::ST240M => 7,
        MatrixCoefficients::YCgCo => 8,
        MatrixCoefficients::BT2020NonConstantLuminance => 9,
        MatrixCoefficients::BT2020ConstantLuminance => 10,
        _ => 14,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_by_their_headers() {
        // A temporal delimiter, a sequence header of 2 bytes, a frame of 130 bytes, and one with an
        // extension.
        let start = [0x12, 0, 0x0a, 2, 9, 9, 0x32, 0x82, 1];
        let last = [0x36, 0, 1, 7];
        let stream = [&start[..], &[0; 130], &last].concat();
        assert_eq!(frames(&stream), 2);
        assert_eq!(frames(&stream[..start.len()]), 1);
        // A frame without a size is the last, and so is one with a huge size.
        assert_eq!(frames(&[0x30, 0x32, 0]), 1);
        assert_eq!(frames(&[0x32]), 1);
        let vast = [&[0x32][..], &[0xff; 9], &[0x7f]].concat();
        assert_eq!(frames(&vast), 1);
    }

    #[test]
    fn a_stream_of_many_frames_is_no_picture() {
        let frame = [0x32, 0];
        let fault = decode(frame.repeat(MOST_FRAMES + 1), 100).unwrap_err();
        let wanted = Fault::unsupported("a sequence instead of an image");
        assert_eq!(fault, wanted);
        assert_eq!(decode(Vec::new(), 100).unwrap_err(), Fault::Cut);
    }
}
