//! The operators that convolutional backbones need, as methods of [`GraphBuilder`].

use super::{GraphBuilder, Value};
use crate::proto::{int, ints};
use crate::weights::Tensor;

/// A two-dimensional convolution with a square kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// (out, in / groups, size, size).
    pub weight: Tensor,
    /// (out).
    pub bias: Tensor,
    /// The stride in both directions.
    pub stride: usize,
    /// Zero padding before and after, in both directions.
    pub padding: (usize, usize),
    /// The number of groups: 1, or the number of channels.
    pub groups: usize,
}

/// A square max pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool {
    /// The window's side.
    pub size: usize,
    /// The stride in both directions.
    pub stride: usize,
    /// The padding on each of the four sides.
    pub padding: usize,
}

impl GraphBuilder {
    /// Adds a convolution; its output is named `name`.
    pub fn conv(&mut self, name: &str, input: &Value, conv: &Conv) -> Value {
        let weight = self.tensor(format!("{name}.weight"), &conv.weight);
        let bias = self.tensor(format!("{name}.bias"), &conv.bias);
        let size = conv.weight.shape.last().copied().unwrap_or(1) as i64;
        let (before, after) = (conv.padding.0 as i64, conv.padding.1 as i64);
        let stride = conv.stride as i64;
        let attributes = vec![
            ints("dilations", &[1, 1]),
            int("group", conv.groups as i64),
            ints("kernel_shape", &[size, size]),
            ints("pads", &[before, before, after, after]),
            ints("strides", &[stride; 2]),
        ];
        self.node("Conv", name, &[input, &weight, &bias], attributes)
    }

    /// Adds x Wᵀ + b for each row x of an input (N, in); the output (N, out) is named `name`.
    ///
    /// `weight` is (out, in), or has more dimensions whose product is `in`, like a convolution over the whole
    /// image; `bias` is (out).
    pub fn linear(&mut self, name: &str, input: &Value, weight: &Tensor, bias: &Tensor) -> Value {
        let outputs = weight.shape.first().copied().unwrap_or(1);
        let inputs = weight.shape.iter().skip(1).product();
        let weight = self.weight(format!("{name}.weight"), &[outputs, inputs], &weight.data);
        let bias = self.tensor(format!("{name}.bias"), bias);
        self.node(
            "Gemm",
            name,
            &[input, &weight, &bias],
            vec![int("transB", 1)],
        )
    }

    /// Adds max(x, 0) of each element, as `name`.
    pub fn relu(&mut self, name: &str, input: &Value) -> Value {
        self.node("Relu", name, &[input], Vec::new())
    }

    /// Adds min(max(x, 0), 6) of each element, as `name`.
    pub fn relu6(&mut self, name: &str, input: &Value) -> Value {
        let bounds = ["relu6.min", "relu6.max"].map(|bound| Value(bound.to_owned()));
        if !self.has_bounds {
            self.weight(bounds[0].0.clone(), &[], &[0.0]);
            self.weight(bounds[1].0.clone(), &[], &[6.0]);
            self.has_bounds = true;
        }
        self.node("Clip", name, &[input, &bounds[0], &bounds[1]], Vec::new())
    }

    /// Adds the sum of two values of the same shape, as `name`.
    pub fn add(&mut self, name: &str, left: &Value, right: &Value) -> Value {
        self.node("Add", name, &[left, right], Vec::new())
    }

    /// Adds a max pooling; its output is named `name`.
    pub fn max_pool(&mut self, name: &str, input: &Value, pool: MaxPool) -> Value {
        let attributes = vec![
            ints("kernel_shape", &[pool.size as i64; 2]),
            ints("pads", &[pool.padding as i64; 4]),
            ints("strides", &[pool.stride as i64; 2]),
        ];
        self.node("MaxPool", name, &[input], attributes)
    }

    /// Adds the mean over all positions, (N, C, H, W) to (N, C, 1, 1), as `name`.
    pub fn global_average_pool(&mut self, name: &str, input: &Value) -> Value {
        self.node("GlobalAveragePool", name, &[input], Vec::new())
    }

    /// Adds a flattening to one row per image, (N, …) to (N, D), as `name`.
    pub fn flatten(&mut self, name: &str, input: &Value) -> Value {
        self.node("Flatten", name, &[input], vec![int("axis", 1)])
    }

    fn tensor(&mut self, name: String, tensor: &Tensor) -> Value {
        self.weight(name, &tensor.shape, &tensor.data)
    }
}
