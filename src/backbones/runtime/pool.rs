//! From a layer's output to features: (N, …) to (N, D).

use crate::backbones::Pool;
use crate::images::Layout;

/// (N, …) to (N, D): flattened as it lies, or the mean over the positions of (N, C, H, W) or (N, H, W, C).
pub(super) fn pooled(dims: &[usize], values: &[f32], pool: Pool, layout: Layout) -> Vec<f32> {
    if pool == Pool::Flatten || dims.len() < 3 {
        return values.to_vec();
    }
    let rows = values.chunks_exact(values.len() / dims[0]);
    match layout {
        Layout::Nchw => {
            let positions = dims[2..].iter().product();
            values.chunks_exact(positions).map(mean).collect()
        }
        Layout::Nhwc => {
            let channels = dims[dims.len() - 1];
            let channel = |row: &[f32], c: usize| {
                mean(
                    &row.iter()
                        .skip(c)
                        .step_by(channels)
                        .copied()
                        .collect::<Vec<_>>(),
                )
            };
            rows.flat_map(|row| (0..channels).map(move |c| channel(row, c)))
                .collect()
        }
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_over_positions() {
        // One image, two channels, 1x2 positions: channel means 1.5 and 3.5.
        assert_eq!(
            pooled(
                &[1, 2, 1, 2],
                &[1.0, 2.0, 3.0, 4.0],
                Pool::Mean,
                Layout::Nchw
            ),
            [1.5, 3.5]
        );
        assert_eq!(
            pooled(
                &[1, 1, 2, 2],
                &[1.0, 3.0, 2.0, 4.0],
                Pool::Mean,
                Layout::Nhwc
            ),
            [1.5, 3.5]
        );
        assert_eq!(
            pooled(
                &[1, 2, 1, 2],
                &[1.0, 2.0, 3.0, 4.0],
                Pool::Flatten,
                Layout::Nchw
            ),
            [1.0, 2.0, 3.0, 4.0]
        );
    }
}
