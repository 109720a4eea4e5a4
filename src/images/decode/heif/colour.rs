//! Converts planes to 8-bit RGB, with or without alpha.

use image::math::Rect;

use super::fault::Fault;
use super::matrix::Matrix;
use super::planes::Planes;
use super::upsample::Upsampler;

/// Writes the pixels of a crop, which is inside the image, as `channels` samples each; they are opaque.
pub(super) fn to_rgb(
    planes: &Planes,
    crop: &Rect,
    channels: usize,
    out: &mut [u8],
) -> Result<(), Fault> {
    let matrix = Matrix::of(planes)?;
    let columns = crop.x as usize..(crop.x + crop.width) as usize;
    let (mut cb, mut cr) = (Upsampler::new(planes, 1), Upsampler::new(planes, 2));
    let rows = out.chunks_exact_mut(crop.width as usize * channels);
    for (y, row) in (crop.y as usize..).zip(rows) {
        let luma = &planes.row(0, y)[columns.clone()];
        let (cb, cr) = if matrix.has_colours() {
            (&cb.row(y)[columns.clone()], &cr.row(y)[columns.clone()])
        } else {
            (luma, luma)
        };
        let samples = luma.iter().zip(cb).zip(cr);
        for (pixel, ((&y, &cb), &cr)) in row.chunks_exact_mut(channels).zip(samples) {
            pixel[..3].copy_from_slice(&matrix.rgb(y, cb, cr));
            pixel[3..].fill(u8::MAX);
        }
    }
    Ok(())
}

/// Writes the alpha sample of each pixel; `size` is that of the whole image, to which the alpha plane is
/// enlarged.
pub(super) fn add_alpha(alpha: &Planes, size: (u32, u32), crop: &Rect, out: &mut [u8]) {
    let matrix = Matrix::gray(alpha);
    let place =
        |at: u32, edge: u32, of: u32| (u64::from(at) * u64::from(of) / u64::from(edge)) as usize;
    let rows = out.chunks_exact_mut(crop.width as usize * 4);
    for (y, row) in (crop.y..).zip(rows) {
        let opacity = alpha.row(0, place(y, size.1, alpha.height));
        for (x, pixel) in (crop.x..).zip(row.as_chunks_mut::<4>().0) {
            let sample = opacity[place(x, size.0, alpha.width)];
            pixel[3] = matrix.rgb(sample, 0, 0)[0];
        }
    }
}
