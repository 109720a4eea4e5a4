//! One layer of EfficientNet-Lite0: a convolution, its batch norm, and what follows.

use crate::architectures::conv_norm::{Beside, ConvNorm};
use crate::error::Result;
use crate::weights::StateDict;
use crate::{GraphBuilder, Value};

/// The batch norms' ε.
const EPSILON: f64 = 1e-3;

/// What follows on a convolution and its batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Relu6,
    Nothing,
    /// The input of the whole bottleneck is added.
    Skip,
}

/// A convolution with its batch norm, and what follows.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) conv: ConvNorm,
    /// Height and width of its input.
    size: usize,
    then: Then,
}

impl Layer {
    /// A layer of stride 1 whose kernels see all channels.
    pub(super) fn dense(
        conv: &str,
        norm: &str,
        shape: [usize; 4],
        size: usize,
        then: Then,
    ) -> Self {
        let conv = ConvNorm {
            conv: conv.to_owned(),
            beside: Beside::Norm(norm.to_owned()),
            shape,
            stride: 1,
            padding: same_padding(size, 1, shape[3]),
            groups: 1,
        };
        Self { conv, size, then }
    }

    pub(super) fn with_stride(mut self, stride: usize) -> Self {
        self.conv.stride = stride;
        self.conv.padding = same_padding(self.size, stride, self.conv.shape[3]);
        self
    }

    /// Adds it to the graph; `skip` is the input of the whole bottleneck.
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        weights: &StateDict,
        x: &Value,
        skip: &Value,
    ) -> Result<Value> {
        let output = self.conv.add_to(graph, weights, x, EPSILON)?;
        let name = &self.conv.conv;
        Ok(match self.then {
            Then::Relu6 => graph.relu6(&format!("{name}.relu6"), &output),
            Then::Skip => graph.add(&format!("{name}.skip"), &output, skip),
            Then::Nothing => output,
        })
    }
}

/// The zeros before and after, so that there are ⌈size / stride⌉ places; the odd one comes after.
fn same_padding(size: usize, stride: usize, kernel: usize) -> (usize, usize) {
    let places = size.div_ceil(stride);
    let total = ((places - 1) * stride + kernel).saturating_sub(size);
    (total / 2, total - total / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_tensorflows() {
        // 224 to 112 by 3: (111 · 2 + 3) − 224 = 1; 56 to 28 by 5: (27 · 2 + 5) − 56 = 3.
        assert_eq!(same_padding(224, 2, 3), (0, 1));
        assert_eq!(same_padding(112, 1, 3), (1, 1));
        assert_eq!(same_padding(56, 2, 5), (1, 2));
        assert_eq!(same_padding(28, 1, 5), (2, 2));
        assert_eq!(same_padding(7, 1, 1), (0, 0));
    }
}
