//! Batch normalisation, folded into the convolution before it.

use crate::error::{Result, WeightsProblem};
use crate::weights::{StateDict, Tensor};

/// A convolution and the normalisation after it: the names of their tensors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// `{conv}.weight` (out, …), and `{conv}.bias` (out) where it has one.
    pub(super) conv: &'a str,
    /// `{norm}.weight`, `.bias`, `.running_mean` and `.running_var`, each (out).
    pub(super) norm: &'a str,
}

/// Weight and bias of the one convolution that does what the two did.
///
/// With γ, β, μ, σ² of the normalisation, w' = w γ / √(σ² + ε) and b' = β + (b − μ) γ / √(σ² + ε), computed in `f64`
/// (Ioffe and Szegedy, 2015, algorithm 2).
///
/// # Errors
/// [`Error::Weights`](crate::Error::Weights) where a tensor is missing or too short, or the result is not finite.
pub(super) fn fold(
    weights: &StateDict,
    names: Names<'_>,
    epsilon: f64,
) -> Result<(Tensor, Tensor)> {
    let norm = |part: &str| {
        let tensor = weights.need(&format!("{}.{part}", names.norm));
        tensor.map(|tensor| &tensor.data)
    };
    let conv = weights.need(&format!("{}.weight", names.conv))?;
    let (gamma, beta, mean, variance) = (
        norm("weight")?,
        norm("bias")?,
        norm("running_mean")?,
        norm("running_var")?,
    );
    let scale = gamma
        .iter()
        .zip(variance)
        .map(|(g, v)| f64::from(*g) / (f64::from(*v) + epsilon).sqrt());
    let scale: Vec<f64> = scale.collect();
    let filter = (conv.data.len() / scale.len().max(1)).max(1);
    let weight = conv.data.chunks(filter).zip(&scale);
    let weight = weight
        .flat_map(|(filter, scale)| filter.iter().map(move |w| (f64::from(*w) * scale) as f32));
    let own = weights.get(&format!("{}.bias", names.conv));
    let own = own.map_or_else(|| vec![0.0; scale.len()], |bias| bias.data.clone());
    let shift = own
        .iter()
        .zip(mean)
        .map(|(b, m)| f64::from(*b) - f64::from(*m));
    let bias = beta
        .iter()
        .zip(shift)
        .zip(&scale)
        .map(|((beta, shift), scale)| (f64::from(*beta) + shift * scale) as f32);
    let (weight, bias): (Vec<f32>, Vec<f32>) = (weight.collect(), bias.collect());
    if weight.len() != conv.data.len() || bias.len() != scale.len() {
        let (norm, conv) = (names.norm.to_owned(), names.conv.to_owned());
        return Err(weights.fault(WeightsProblem::UnfitNorm { norm, conv }));
    }
    if !weight.iter().chain(&bias).all(|number| number.is_finite()) {
        let (norm, conv) = (names.norm.to_owned(), names.conv.to_owned());
        return Err(weights.fault(WeightsProblem::NotFinite { conv, norm }));
    }
    let bias = Tensor {
        shape: vec![bias.len()],
        data: bias,
    };
    Ok((
        Tensor {
            shape: conv.shape.clone(),
            data: weight,
        },
        bias,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'static> = Names {
        conv: "c",
        norm: "n",
    };

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
        let (weight, bias) = fold(&weights([3.75, 15.75], None), NAMES, 0.25).unwrap();
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
        let (_, bias) = fold(&weights([3.75, 15.75], Some([2.0, -4.0])), NAMES, 0.25).unwrap();
        // 0.5 + (2 − 4) · 1.5 and −1 + (−4 − 2) · 0.25.
        assert_eq!(bias.data, [-2.5, -2.5]);
    }

    #[test]
    fn what_cannot_be_folded() {
        assert!(
            fold(&weights([-1.0, 1.0], None), NAMES, 0.25)
                .unwrap_err()
                .to_string()
                .contains("not finite")
        );
        assert!(
            fold(&StateDict::default(), NAMES, 0.25)
                .unwrap_err()
                .to_string()
                .contains("`c.weight` is missing")
        );
    }
}
