//! Checks whether two computations of the same features agree.

/// The lowest accepted cosine between the features of a network in float16 and in float32.
pub(super) const LEAST_COSINE: f64 = 0.999;

/// The lowest accepted cosine between the features of a picture that the device normalises, and of the same
/// picture normalised before. The arithmetic is the same, but the fastest convolutions may not be.
pub(super) const LEAST_FROM_PIXELS: f64 = 0.9999;

/// Returns 8-bit RGB like that of a picture, whose channels differ.
pub(super) fn test_pixels(len: usize) -> Vec<u8> {
    let byte = |(i, value): (usize, f32)| (20.0 * value + 60.0 + 60.0 * (i % 3) as f32) as u8;
    test_picture(len)
        .into_iter()
        .enumerate()
        .map(byte)
        .collect()
}

/// Returns values like those of a preprocessed image, between −2 and 2: waves with some noise.
pub(super) fn test_picture(len: usize) -> Vec<f32> {
    let number = |i: usize| {
        let grain = (i * 7919 % 1009) as f32 / 1009.0 - 0.5;
        1.5 * (i as f32 * 0.02).sin() + grain
    };
    (0..len).map(number).collect()
}

/// Returns the cosine of the angle between two vectors; 0 if one is all zeros or not finite.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    if cosine.is_finite() { cosine } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_by_hand() {
        assert!((cosine(&[3.0, 4.0], &[4.0, 3.0]) - 24.0 / 25.0).abs() < 1e-12);
        assert!(cosine(&[1.0, 0.0], &[0.0, 2.0]).abs() < 1e-12);
        assert!(cosine(&[0.0, 0.0], &[1.0, 2.0]).abs() < 1e-12);
        assert!(cosine(&[f32::INFINITY, 1.0], &[1.0, 2.0]).abs() < 1e-12);
    }

    #[test]
    fn the_test_picture_is_like_a_picture() {
        let picture = test_picture(3 * 224 * 224);
        assert!(picture.iter().all(|v| v.abs() <= 2.0));
        let mean = picture.iter().sum::<f32>() / picture.len() as f32;
        assert!(mean.abs() < 0.05, "{mean}");
    }
}
