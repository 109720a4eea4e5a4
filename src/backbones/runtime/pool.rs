//! Pools a layer's output to features: (N, …) to (N, D).

use std::path::Path;

use frostline_onnx::export;

use crate::backbones::onnx::{Network, read_network};
use crate::backbones::{FeatureLayer, Pool};
use crate::error::{NetworkProblem, Result};
use crate::images::Layout;

/// How the values of an image become its features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pooling {
    pub(super) pool: Pool,
    /// The order of the axes, if the graph does not determine it.
    pub(super) map: Option<Layout>,
    /// The number of class and register tokens that are left out.
    pub(super) prefix_tokens: usize,
    /// The axis of the channels; unused if all values are features.
    axis: usize,
    /// The number of the layer's axes.
    rank: usize,
}

/// A layer to pool, and the images of its network.
#[derive(Debug)]
pub(super) struct Pooled<'a> {
    pub(super) path: &'a Path,
    pub(super) layer: &'a str,
    /// The three lengths of an image after the batch.
    pub(super) image: [usize; 3],
    pub(super) layout: Layout,
}

impl Pooling {
    /// Chooses how to pool a layer whose output has these lengths, the batch first.
    pub(super) fn of(wanted: &FeatureLayer, dims: &[usize], pooled: &Pooled) -> Result<Self> {
        let fault = |problem: NetworkProblem| problem.at(pooled.path);
        let layer = || pooled.layer.to_owned();
        let flat = Self {
            pool: Pool::Flatten,
            map: None,
            prefix_tokens: 0,
            axis: 1,
            rank: dims.len(),
        };
        let pool = match (wanted.pool, dims.len()) {
            (None, 3) if dims[1] > 1 && dims[2] > 1 => {
                let network = read_network(pooled.path)?;
                return Err(fault(pooled.unchosen(&network, dims)?));
            }
            (None | Some(Pool::Flatten), _) => return Ok(flat),
            (Some(pool), rank) if rank < 3 || rank > 3 && pool.needs_tokens() => {
                let (layer, shape) = (layer(), dims[1..].to_vec());
                let pool = pool.to_string();
                return Err(fault(NetworkProblem::NoTokens { layer, pool, shape }));
            }
            (Some(pool), _) => pool,
        };
        let network = read_network(pooled.path)?;
        let (axis, map) = pooled.channels(&network, wanted.map, dims)?;
        let has_prefix = dims.len() == 3 && pool != Pool::Cls;
        let prefix_tokens = if has_prefix {
            pooled.prefix(&network, wanted.prefix_tokens, dims[3 - axis])?
        } else {
            0
        };
        Ok(Self {
            pool,
            map,
            prefix_tokens,
            axis,
            rank: dims.len(),
        })
    }

    /// Returns the features of a batch of images.
    pub(super) fn features(self, dims: &[usize], values: &[f32]) -> Vec<f32> {
        if self.pool == Pool::Flatten {
            return values.to_vec();
        }
        let positions = Positions {
            channels: dims[self.axis],
            behind: dims[self.axis + 1..].iter().product(),
            first: self.prefix_tokens,
        };
        let mut features = Vec::with_capacity(2 * dims[0] * positions.channels);
        for image in values.chunks_exact(values.len() / dims[0]) {
            match self.pool {
                Pool::Mean => features.extend(positions.means(image)),
                Pool::Max => features.extend(positions.most(image)),
                Pool::Cls => features.extend(positions.at(image, 0)),
                Pool::ClsMean => {
                    features.extend(positions.at(image, 0));
                    features.extend(positions.means(image));
                }
                Pool::Flatten => unreachable!("all values are features"),
            }
        }
        features
    }
}

impl From<Pooling> for export::Pooling {
    fn from(pooling: Pooling) -> Self {
        Self {
            pool: match pooling.pool {
                Pool::Flatten => export::Pool::Flatten,
                Pool::Mean => export::Pool::Mean,
                Pool::Max => export::Pool::Max,
                Pool::Cls => export::Pool::Cls,
                Pool::ClsMean => export::Pool::ClsMean,
            },
            rank: pooling.rank,
            axis: pooling.axis,
            prefix: pooling.prefix_tokens,
        }
    }
}

impl Pooled<'_> {
    /// Returns the axis of the channels, and the order of the axes if the graph does not determine it.
    fn channels(
        &self,
        network: &Network,
        wanted: Option<Layout>,
        dims: &[usize],
    ) -> Result<(usize, Option<Layout>)> {
        let of_input = axis(self.layout, 4);
        let rank = dims.len();
        let known = network.channel_axis(self.layer, of_input, rank)?;
        let chosen = wanted.map(|map| axis(map, rank));
        let Some(axis) = chosen.or(known) else {
            let (layer, shape) = (self.layer.to_owned(), dims[1..].to_vec());
            return Err(NetworkProblem::UnclearPool { layer, shape }.at(self.path));
        };
        Ok((axis, wanted.filter(|_| chosen != known)))
    }

    /// Returns the number of tokens before those of the patches.
    fn prefix(&self, network: &Network, wanted: Option<usize>, tokens: usize) -> Result<usize> {
        let found = match wanted {
            Some(_) => wanted,
            None => network.prefix_tokens(self.layer, self.image, tokens)?,
        };
        let layer = || self.layer.to_owned();
        match found {
            Some(prefix) if prefix < tokens => Ok(prefix),
            Some(prefix) => Err(NetworkProblem::OnlyPrefix {
                layer: layer(),
                tokens,
                prefix,
            }
            .at(self.path)),
            None => Err(NetworkProblem::UnclearPrefix {
                layer: layer(),
                tokens,
            }
            .at(self.path)),
        }
    }

    /// Returns the error for tokens without a pool, with the possible choices.
    fn unchosen(&self, network: &Network, dims: &[usize]) -> Result<NetworkProblem> {
        let (axis, _) = self.channels(network, None, dims)?;
        let tokens = dims[3 - axis];
        Ok(NetworkProblem::UnchosenPool {
            layer: self.layer.to_owned(),
            tokens,
            features: dims[axis],
            prefix_tokens: network.prefix_tokens(self.layer, self.image, tokens)?,
        })
    }
}

/// Returns the axis of the channels.
fn axis(layout: Layout, rank: usize) -> usize {
    match layout {
        Layout::Nchw => 1,
        Layout::Nhwc => rank - 1,
    }
}

/// The positions of an image: its values are (…, channels, `behind`).
struct Positions {
    channels: usize,
    /// The number of values after the axis of the channels.
    behind: usize,
    /// The first position to pool.
    first: usize,
}

impl Positions {
    /// Returns the channels at a position.
    fn at<'a>(&'a self, image: &'a [f32], position: usize) -> impl Iterator<Item = f32> + 'a {
        let (before, at) = (position / self.behind, position % self.behind);
        let block = &image[before * self.channels * self.behind..];
        (0..self.channels).map(move |channel| block[channel * self.behind + at])
    }

    /// Returns all pooled positions.
    fn all(&self, image: &[f32]) -> std::ops::Range<usize> {
        self.first..image.len() / self.channels
    }

    /// Returns the mean of each channel.
    fn means(&self, image: &[f32]) -> Vec<f32> {
        let all = self.all(image);
        let n = all.len() as f32;
        let mut sums = vec![0.0; self.channels];
        for position in all {
            for (sum, value) in sums.iter_mut().zip(self.at(image, position)) {
                *sum += value;
            }
        }
        sums.into_iter().map(|sum| sum / n).collect()
    }

    /// Returns the maximum of each channel; NaN if one of its values is.
    fn most(&self, image: &[f32]) -> Vec<f32> {
        let mut most = vec![f32::NEG_INFINITY; self.channels];
        for position in self.all(image) {
            for (most, value) in most.iter_mut().zip(self.at(image, position)) {
                if value > *most || value.is_nan() {
                    *most = value;
                }
            }
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(dims: &[usize], values: &[f32], pool: Pool, map: Layout, prefix: usize) -> Vec<f32> {
        Pooling {
            pool,
            map: Some(map),
            prefix_tokens: prefix,
            axis: axis(map, dims.len()),
            rank: dims.len(),
        }
        .features(dims, values)
    }

    #[test]
    fn maps_with_channels_first_and_last() {
        // One image, two channels, 1 × 2 positions: channel means 1.5 and 3.5.
        let values = [1.0, 2.0, 3.0, 4.0];
        let of = |pool, map| pooled(&[1, 2, 1, 2], &values, pool, map, 0);
        assert_eq!(of(Pool::Mean, Layout::Nchw), [1.5, 3.5]);
        assert_eq!(of(Pool::Max, Layout::Nchw), [2.0, 4.0]);
        assert_eq!(of(Pool::Flatten, Layout::Nchw), values);
        // The same values as 2 × 1 positions of two channels: (1 + 3) / 2 and (2 + 4) / 2.
        assert_eq!(of(Pool::Mean, Layout::Nhwc), [2.0, 3.0]);
        assert_eq!(of(Pool::Max, Layout::Nhwc), [3.0, 4.0]);
    }

    #[test]
    fn tokens_of_patches_after_a_class_token() {
        // Two images of three tokens of two channels; the first token is the class.
        let values = [
            9.0, 8.0, 1.0, 2.0, 3.0, 6.0, -9.0, -8.0, -1.0, -2.0, -3.0, -6.0,
        ];
        let of = |pool| pooled(&[2, 3, 2], &values, pool, Layout::Nhwc, 1);
        assert_eq!(of(Pool::Cls), [9.0, 8.0, -9.0, -8.0]);
        assert_eq!(of(Pool::Mean), [2.0, 4.0, -2.0, -4.0]);
        assert_eq!(of(Pool::Max), [3.0, 6.0, -1.0, -2.0]);
        assert_eq!(
            of(Pool::ClsMean),
            [9.0, 8.0, 2.0, 4.0, -9.0, -8.0, -2.0, -4.0]
        );
        // The same tokens with the channels first.
        let first = [9.0, 1.0, 3.0, 8.0, 2.0, 6.0];
        let of = |pool| pooled(&[1, 2, 3], &first, pool, Layout::Nchw, 1);
        assert_eq!(of(Pool::ClsMean), [9.0, 8.0, 2.0, 4.0]);
    }

    #[test]
    fn a_value_that_is_no_number_is_not_hidden() {
        let values = [f32::NAN, 1.0, 2.0, 3.0];
        let most = pooled(&[1, 2, 1, 2], &values, Pool::Max, Layout::Nchw, 0);
        assert!(most[0].is_nan() && (most[1] - 3.0).abs() < 1e-6);
    }
}
