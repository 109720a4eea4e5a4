//! From a layer's output to features: (N, …) to (N, D).

use crate::backbones::Pool;

/// Flattened as it lies, or the mean over the positions of (N, C, …) or (N, …, C).
pub(super) fn pooled(dims: &[usize], values: &[f32], pool: Pool) -> Vec<f32> {
    if pool == Pool::Flatten || dims.len() < 3 {
        return values.to_vec();
    }
    let rows = values.chunks_exact(values.len() / dims[0]);
    if channels_last(dims) {
        let channels = dims[dims.len() - 1];
        return rows
            .flat_map(|row| means_of_columns(row, channels))
            .collect();
    }
    let positions = dims[2..].iter().product();
    values.chunks_exact(positions).map(mean).collect()
}

/// ONNX's convolutions have their channels in the second axis, whatever the network's input has. They are last where a
/// network was turned round at its end, as those from `TensorFlow` may be: then the axes before are height and width,
/// of equal length.
fn channels_last(dims: &[usize]) -> bool {
    matches!(dims, &[_, height, width, channels] if height == width && width != channels)
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn means_of_columns(row: &[f32], channels: usize) -> Vec<f32> {
    let mut sums = vec![0.0; channels];
    for position in row.chunks_exact(channels) {
        for (sum, value) in sums.iter_mut().zip(position) {
            *sum += value;
        }
    }
    let positions = (row.len() / channels) as f32;
    sums.into_iter().map(|sum| sum / positions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_over_positions() {
        // One image, two channels, 1 × 2 positions: channel means 1.5 and 3.5.
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(pooled(&[1, 2, 1, 2], &values, Pool::Mean), [1.5, 3.5]);
        assert_eq!(pooled(&[1, 2, 1, 2], &values, Pool::Flatten), values);
        assert_eq!(pooled(&[2, 2], &values, Pool::Mean), values);
    }

    #[test]
    fn channels_are_last_behind_a_square() {
        // Two channels at 3 × 3 positions, side by side: 0, 10, 1, 11, … 8, 18.
        let values: Vec<f32> = (0..9).flat_map(|i| [i, i + 10]).map(|i| i as f32).collect();
        assert_eq!(pooled(&[1, 3, 3, 2], &values, Pool::Mean), [4.0, 14.0]);
        assert!(!channels_last(&[1, 512, 7, 7]) && !channels_last(&[1, 7, 7, 7]));
    }
}
