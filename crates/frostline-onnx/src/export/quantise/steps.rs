//! Rounds values to 8 bits, and biases to 32.

use super::choice::Layer;

/// The scale of a tensor, and the byte that stands for 0.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) scale: f32,
    pub(super) zero: u8,
}

impl Step {
    /// Spreads a range, extended to 0, over all bytes.
    pub(super) fn of((low, high): (f32, f32)) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
        Self {
            scale,
            zero: (-low / scale).round().clamp(0.0, 255.0) as u8,
        }
    }
}

/// Weights in 8 bits.
pub(super) struct Rounded {
    pub(super) bytes: Vec<u8>,
    /// The scale of each channel of the output.
    pub(super) scales: Vec<f32>,
}

impl Layer {
    /// Rounds the weights; the largest one of a channel becomes 127 or −127.
    pub(super) fn rounded(&self) -> Rounded {
        let inner: i64 = self.dims[self.axis + 1..].iter().product();
        let channels = self.dims[self.axis] as usize;
        let channel = |at: usize| at / inner as usize % channels;
        let mut scales = vec![0.0_f32; channels];
        for (at, value) in self.values.iter().enumerate() {
            let largest = &mut scales[channel(at)];
            *largest = largest.max(value.abs());
        }
        for scale in &mut scales {
            *scale = (*scale / 127.0).max(f32::MIN_POSITIVE);
        }
        let round = |(at, value): (usize, &f32)| {
            let steps = (value / scales[channel(at)]).round();
            (steps.clamp(-127.0, 127.0) as i8).cast_unsigned()
        };
        let bytes = self.values.iter().enumerate().map(round).collect();
        Rounded { bytes, scales }
    }
}

/// Rounds a bias to 32 bits, with a scale for each channel.
pub(super) fn rounded_bias(bias: &[f32], scales: &[f32]) -> Vec<u8> {
    let round = |(value, scale): (&f32, &f32)| {
        // A conversion to an integer stays within its range.
        let steps = (f64::from(*value) / f64::from(*scale)).round() as i32;
        steps.to_le_bytes()
    };
    bias.iter().zip(scales).flat_map(round).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_zero_exactly() {
        let step = |low, high| {
            let step = Step::of((low, high));
            (step.scale, step.zero)
        };
        // 2.55 / 255 is 0.01; 0 is 100 steps above −1.
        let (scale, zero) = step(-1.0, 1.55);
        assert!((scale - 0.01).abs() < 1e-7);
        assert_eq!(zero, 100);
        // Ranges on one side of 0 are extended to it.
        assert_eq!(step(2.0, 5.1), (5.1 / 255.0, 0));
        assert_eq!(step(-5.1, -2.0), (5.1 / 255.0, 255));
        assert!(step(0.0, 0.0).0 > 0.0);
    }

    #[test]
    fn each_channel_has_its_own_scale() {
        let layer = |axis| Layer {
            dims: vec![2, 2],
            values: vec![1.0, -0.6, 0.25, 4.0],
            axis,
            bias: None,
        };
        let rounded = |axis| {
            let Rounded { bytes, scales } = layer(axis).rounded();
            let bytes: Vec<i8> = bytes.into_iter().map(u8::cast_signed).collect();
            (bytes, scales)
        };
        // 0.6 · 127 is 76.2; 0.25 / 4 · 127 is 7.9.
        let rows = (vec![127, -76, 8, 127], vec![1.0 / 127.0, 4.0 / 127.0]);
        assert_eq!(rounded(0), rows);
        // 0.6 / 4 · 127 is 19.05; 0.25 · 127 is 31.75.
        let columns = (vec![127, -19, 32, 127], vec![1.0 / 127.0, 4.0 / 127.0]);
        assert_eq!(rounded(1), columns);
    }
}
