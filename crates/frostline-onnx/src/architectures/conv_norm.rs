//! A convolution with its bias, its batch norm, or both.

use super::batch_norm::{self, Names};
use crate::error::Result;
use crate::weights::{StateDict, Tensor};
use crate::{Conv, GraphBuilder, Value};

/// What a convolution has beside its kernels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beside {
    /// `{conv}.bias`.
    Bias,
    /// The batch norm of this name.
    Norm(String),
    /// Its bias, and the batch norm of this name.
    BiasAndNorm(String),
}

/// A convolution and what belongs to it, before there are weights.
#[derive(Debug, Clone)]
pub(super) struct ConvNorm {
    /// The name of the convolution in the file.
    pub(super) conv: String,
    pub(super) beside: Beside,
    /// (out, in / groups, kernel, kernel).
    pub(super) shape: [usize; 4],
    pub(super) stride: usize,
    /// Zeros before and after, both ways.
    pub(super) padding: (usize, usize),
    pub(super) groups: usize,
}

impl ConvNorm {
    /// The tensors that it is made of, with their shapes.
    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let outputs = vec![self.shape[0]];
        let mut tensors = vec![(format!("{}.weight", self.conv), self.shape.to_vec())];
        if let Beside::Bias | Beside::BiasAndNorm(_) = self.beside {
            tensors.push((format!("{}.bias", self.conv), outputs.clone()));
        }
        if let Beside::Norm(norm) | Beside::BiasAndNorm(norm) = &self.beside {
            let parts = ["weight", "bias", "running_mean", "running_var"];
            tensors.extend(parts.map(|part| (format!("{norm}.{part}"), outputs.clone())));
        }
        tensors
    }

    /// Adds it to the graph as one convolution with bias; its output has the convolution's name.
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        weights: &StateDict,
        x: &Value,
        epsilon: f64,
    ) -> Result<Value> {
        let (weight, bias) = self.weight_and_bias(weights, epsilon)?;
        let conv = Conv {
            weight,
            bias,
            stride: self.stride,
            padding: self.padding,
            groups: self.groups,
        };
        Ok(graph.conv(&self.conv, x, &conv))
    }

    fn weight_and_bias(&self, weights: &StateDict, epsilon: f64) -> Result<(Tensor, Tensor)> {
        match &self.beside {
            Beside::Norm(norm) | Beside::BiasAndNorm(norm) => {
                let names = Names {
                    conv: &self.conv,
                    norm,
                };
                batch_norm::fold(weights, names, epsilon)
            }
            Beside::Bias => Ok((
                weights.need(&format!("{}.weight", self.conv))?.clone(),
                weights.need(&format!("{}.bias", self.conv))?.clone(),
            )),
        }
    }
}
