//! Decodes HEVC with `heifer-hevc-dec`.

use heifer_hevc_dec::Error;
use heifer_hevc_dec::decoder::{DecodeOptions, decode_picture};
use heifer_hevc_dec::recon::Frame;

use super::fault::Fault;
use super::planes::{Chroma, Colours, Planes, Reference};
use crate::caught::caught;

/// Decodes the first image of a stream.
pub(super) fn decode(stream: &[u8], max_pixels: u64) -> Result<Planes, Fault> {
    let options = DecodeOptions {
        max_pixels,
        ..DecodeOptions::default()
    };
    // The decoder is new, and damaged streams trigger its assertions.
    let frame = caught(
        || decode_picture(stream, options).map_err(|error| fault(&error)),
        |_| Fault::damaged("its HEVC stream is inconsistent"),
    )?;
    planes(frame)
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::UnexpectedEof => Fault::Cut,
        Error::Invalid(why) => Fault::Damaged(format!("its HEVC stream is invalid: {why}")),
        Error::Unimplemented(what) => Fault::unsupported(*what),
        Error::HashMismatch(_) => Fault::damaged("the checksum does not match the pixels"),
    }
}

fn planes(frame: Frame) -> Result<Planes, Fault> {
    let chroma = match frame.chroma_format {
        0 => Chroma::Gray,
        1 => Chroma::Quarter,
        2 => Chroma::Half,
        _ => Chroma::Full,
    };
    let [luma, other] = frame.bit_depth;
    if chroma != Chroma::Gray && luma != other {
        return Err(Fault::unsupported("different luma and chroma depths"));
    }
    if !(8..=12).contains(&luma) {
        return Err(Fault::unsupported(format!("{luma} bits per sample")));
    }
    let planes = Planes {
        width: frame.widths[0],
        height: frame.heights[0],
        depth: u32::from(luma),
        chroma,
        colours: Colours {
            matrix: u16::from(frame.matrix_coeffs),
            full_range: frame.full_range,
        },
        reference: Reference::Libheif,
        turned: false,
        strides: frame.widths.map(|width| width as usize),
        samples: frame.planes,
    };
    let enough = |plane: usize| {
        let (width, height) = planes.size_of(plane);
        frame.widths[plane] as usize >= width && frame.heights[plane] as usize >= height
    };
    if (0..3).all(enough) {
        Ok(planes)
    } else {
        Err(Fault::damaged("its chroma planes are too small"))
    }
}
