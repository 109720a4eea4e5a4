//! A convolution with a bias, a batch norm, or both.

use crate::Conv;
use crate::error::{Result, WeightsProblem};
use crate::weights::{StateDict, Tensor};

/// Tensor names with their shapes.
pub(super) type Tensors = Vec<(String, Vec<usize>)>;

/// What a convolution has besides its kernels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beside {
    /// `{conv}.bias`.
    Bias,
    /// The batch norm with this name.
    Norm(String),
    /// `{conv}.bias` and the batch norm with this name.
    BiasAndNorm(String),
}

/// A convolution and its bias or batch norm, without weights.
#[derive(Debug, Clone)]
pub(super) struct ConvNorm {
    /// The name of the convolution in the file.
    pub(super) conv: String,
    pub(super) beside: Beside,
    /// (out, in / groups, kernel, kernel).
    pub(super) shape: [usize; 4],
    pub(super) stride: usize,
    /// Zero padding before and after, in both directions.
    pub(super) padding: (usize, usize),
    pub(super) groups: usize,
}

impl ConvNorm {
    /// Returns the names and shapes of its tensors.
    pub(super) fn tensors(&self) -> Tensors {
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

    /// Returns the equivalent convolution with a bias, with the batch norm folded in.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) if a tensor is missing or has the wrong length, or the
    /// result is not finite.
    pub(super) fn folded(&self, weights: &StateDict, epsilon: f64) -> Result<Conv> {
        let (weight, bias) = match &self.beside {
            Beside::Norm(norm) | Beside::BiasAndNorm(norm) => {
                fold(weights, &self.conv, norm, epsilon)?
            }
            Beside::Bias => (
                weights.need(&format!("{}.weight", self.conv))?.clone(),
                weights.need(&format!("{}.bias", self.conv))?.clone(),
            ),
        };
        Ok(Conv {
            weight,
            bias,
            stride: self.stride,
            padding: self.padding,
            groups: self.groups,
        })
    }
}

/// Folds a batch norm into the convolution before it; returns the weight and bias of the result. Reads
/// `{conv}.weight` (out, …) and, if present, `{conv}.bias` (out); `{norm}.weight`, `.bias`, `.running_mean`
/// and `.running_var`, each (out).
///
/// With γ, β, μ, σ² of the norm, w' = w γ / √(σ² + ε) and b' = β + (b − μ) γ / √(σ² + ε), computed in `f64`
/// (Ioffe and Szegedy, 2015, algorithm 2).
fn fold(weights: &StateDict, conv: &str, norm: &str, epsilon: f64) -> Result<(Tensor, Tensor)> {
    let kernels = weights.need(&format!("{conv}.weight"))?;
    let part = |part| {
        weights
            .need(&format!("{norm}.{part}"))
            .map(|part| &part.data)
    };
    let (gamma, beta) = (part("weight")?, part("bias")?);
    let (mean, variance) = (part("running_mean")?, part("running_var")?);
    let own = weights.get(&format!("{conv}.bias")).map(|bias| &bias.data);
    let channels = gamma.len();
    let filter = kernels.data.len() / channels.max(1);
    let parts = [beta, mean, variance, own.unwrap_or(beta)];
    if filter * channels != kernels.data.len() || parts.iter().any(|part| part.len() != channels) {
        let (norm, conv) = (norm.to_owned(), conv.to_owned());
        return Err(weights.fault(WeightsProblem::UnfitNorm { norm, conv }));
    }
    let (mut weight, mut bias) = (Vec::with_capacity(kernels.data.len()), Vec::new());
    for c in 0..channels {
        let scale = f64::from(gamma[c]) / (f64::from(variance[c]) + epsilon).sqrt();
        let kernel = kernels.data[c * filter..][..filter].iter();
        weight.extend(kernel.map(|w| (f64::from(*w) * scale) as f32));
        let shift = own.map_or(0.0, |own| f64::from(own[c])) - f64::from(mean[c]);
        bias.push((f64::from(beta[c]) + shift * scale) as f32);
    }
    if !weight.iter().chain(&bias).all(|number| number.is_finite()) {
        let (norm, conv) = (norm.to_owned(), conv.to_owned());
        return Err(weights.fault(WeightsProblem::NotFinite { conv, norm }));
    }
    let shape = vec![channels];
    Ok((
        Tensor {
            shape: kernels.shape.clone(),
            data: weight,
        },
        Tensor { shape, data: bias },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(variance: [f32; 2], own: Option<[f32; 2]>) -> StateDict {
        let row = |name: &str, data: [f32; 2]| {
            (
                name.to_owned(),
                Tensor {
                    shape: vec![2],
                    data: data.to_vec(),
                },
            )
        };
        let conv = Tensor {
            shape: vec![2, 1, 1, 2],
            data: vec![1.0, 2.0, 3.0, 4.0],
        };
        let norm = [
            row("n.weight", [3.0, 1.0]),
            row("n.bias", [0.5, -1.0]),
            row("n.running_mean", [4.0, 2.0]),
            row("n.running_var", variance),
        ];
        StateDict::new(
            "w.pth",
            norm.into_iter()
                .chain(own.map(|bias| row("c.bias", bias)))
                .chain([("c.weight".to_owned(), conv)]),
        )
    }

    #[test]
    fn by_hand() {
        // Scales 3 / √(3.75 + 0.25) = 1.5 and 1 / √(15.75 + 0.25) = 0.25.
        let (weight, bias) = fold(&weights([3.75, 15.75], None), "c", "n", 0.25).unwrap();
        assert_eq!(
            weight,
            Tensor {
                shape: vec![2, 1, 1, 2],
                data: vec![1.5, 3.0, 0.75, 1.0]
            }
        );
        assert_eq!(
            bias,
            Tensor {
                shape: vec![2],
                data: vec![0.5 - 6.0, -1.0 - 0.5]
            }
        );
    }

    #[test]
    fn a_bias_of_the_convolution_is_scaled_too() {
        let (_, bias) = fold(&weights([3.75, 15.75], Some([2.0, -4.0])), "c", "n", 0.25).unwrap();
        // 0.5 + (2 − 4) · 1.5 and −1 + (−4 − 2) · 0.25.
        assert_eq!(bias.data, [-2.5, -2.5]);
    }

    #[test]
    fn what_cannot_be_folded() {
        assert!(
            fold(&weights([-1.0, 1.0], None), "c", "n", 0.25)
                .unwrap_err()
                .to_string()
                .contains("values that are not finite")
        );
        assert!(
            fold(&StateDict::default(), "c", "n", 0.25)
                .unwrap_err()
                .to_string()
                .contains("tensor `c.weight` is missing")
        );
    }
}
