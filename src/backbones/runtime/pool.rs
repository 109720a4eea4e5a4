//! Pools a layer's output to features: (N, …) to (N, D).

use crate::backbones::Pool;
use frostline_onnx::ChannelAxis;

/// How the values of an image become its features.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pooling {
    pub(super) pool: Pool,
    /// The axis of the channels according to the graph, which [`Pool::Mean`] needs.
    pub(super) channels: Option<ChannelAxis>,
}

impl Pooling {
    /// Returns the values flattened, or their means over all axes but the batch and the channels; `None` if
    /// the axis of the channels is not known.
    pub(super) fn of(self, dims: &[usize], values: &[f32]) -> Option<Vec<f32>> {
        let axis = match self.pool {
            _ if dims.len() < 3 => return Some(values.to_vec()),
            Pool::Flatten => return Some(values.to_vec()),
            Pool::MeanChannelsFirst => 1,
            Pool::MeanChannelsLast => dims.len() - 1,
            Pool::Mean => self.channels.filter(|known| known.rank == dims.len())?.axis,
        };
        Some(means(dims, values, axis))
    }
}

/// Returns the mean of each channel.
fn means(dims: &[usize], values: &[f32], axis: usize) -> Vec<f32> {
    let channels = dims[axis];
    let behind: usize = dims[axis + 1..].iter().product();
    let image = values.len() / dims[0];
    let positions = (image / channels) as f32;
    let mut means = Vec::with_capacity(dims[0] * channels);
    for row in values.chunks_exact(image) {
        let mut sums = vec![0.0_f32; channels];
        for (i, run) in row.chunks_exact(behind).enumerate() {
            sums[i % channels] += run.iter().sum::<f32>();
        }
        means.extend(sums.into_iter().map(|sum| sum / positions));
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::NetworkProblem;

    fn pooled(dims: &[usize], values: &[f32], pool: Pool) -> Option<Vec<f32>> {
        let channels = None;
        Pooling { pool, channels }.of(dims, values)
    }

    #[test]
    fn means_over_positions() {
        // One image, two channels, 1 × 2 positions: channel means 1.5 and 3.5.
        let values = [1.0, 2.0, 3.0, 4.0];
        let first = pooled(&[1, 2, 1, 2], &values, Pool::MeanChannelsFirst);
        assert_eq!(first.unwrap(), [1.5, 3.5]);
        assert_eq!(
            pooled(&[1, 2, 1, 2], &values, Pool::Flatten).unwrap(),
            values
        );
        assert_eq!(pooled(&[2, 2], &values, Pool::Mean).unwrap(), values);
        // Two tokens of two channels: (1 + 3) / 2 and (2 + 4) / 2.
        let last = pooled(&[1, 2, 2], &values, Pool::MeanChannelsLast);
        assert_eq!(last.unwrap(), [2.0, 3.0]);
    }

    #[test]
    fn equal_lengths_say_nothing() {
        let values: Vec<f32> = (0..18).map(|i| i as f32).collect();
        assert_eq!(pooled(&[1, 3, 3, 2], &values, Pool::Mean), None);
        let (layer, shape) = ("map".to_owned(), vec![3, 3, 2]);
        let problem = NetworkProblem::UnclearPool { layer, shape }.to_string();
        assert!(
            problem.contains("3 × 3 × 2")
                && problem.contains("3 features if it is the first, 2 if it is the last"),
            "{problem}"
        );
    }
}
