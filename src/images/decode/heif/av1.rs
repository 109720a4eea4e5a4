//! AV1 by `re_rav1d`, a translation of dav1d.

use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings};

use super::fault::Fault;
use super::planes::{Chroma, Colours, Planes, Reference};

/// Decodes the first picture of a stream.
pub(super) fn decode(stream: Vec<u8>, max_pixels: u64) -> Result<Planes, Fault> {
    if stream.is_empty() {
        return Err(Fault::Cut);
    }
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(max_pixels).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(|error| fault(&error))?;
    let mut sent = decoder.send_data(stream, None, None, None);
    loop {
        match sent {
            Ok(()) | Err(Error::Again) => {}
            Err(error) => return Err(fault(&error)),
        }
        match decoder.get_picture() {
            Ok(picture) => return planes(&picture),
            // All of it has been read.
            Err(Error::Again) if sent.is_ok() => return Err(Fault::Cut),
            Err(Error::Again) => sent = decoder.send_pending_data(),
            Err(error) => return Err(fault(&error)),
        }
    }
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::NotEnoughMemory => Fault::Memory,
        Error::UnsupportedBitstream => Fault::unsupported("an unknown kind of AV1"),
        _ => Fault::damaged("its AV1 stream is wrong"),
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

/// The samples of a plane, without what lies between its rows.
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

/// The number of ITU-T H.273; those that are not converted are all one.
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
