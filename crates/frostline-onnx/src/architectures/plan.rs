//! What the plans of networks have in common: the tensors that a file must have, layers that take their
//! weights out of it, and the classifier at the end.

use std::collections::HashMap;

use super::conv_norm::{ConvNorm, Tensors};
use crate::error::{Differences, Result, WeightsProblem};
use crate::weights::StateDict;
use crate::{GraphBuilder, Spliced, Value};

/// Height and width of the pictures.
pub(super) const SIZE: usize = 224;
/// The classes of ImageNet, where the file does not tell how many there are.
const CLASSES: usize = 1000;
/// Wider than any network of these plans, and small enough to be multiplied.
const MAX_WIDTH: usize = 4096;

/// Where a network ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// At what its classifier reads: the output `features` (N, D).
    #[default]
    Features,
    /// At what its classifier says, before softmax: the output `logits` (N, classes).
    Logits,
}

/// A network that is built out of weights.
pub(super) struct Building<'w> {
    pub(super) graph: GraphBuilder,
    weights: &'w StateDict,
    /// The batch norms' ε.
    epsilon: f64,
    end: End,
    classifier: Classifier<'w>,
}

/// The last layer, logits = W features + b: left out of the features, kept for the labels.
struct Classifier<'w> {
    /// `{name}.weight` (classes, features) and `{name}.bias` (classes).
    name: &'w str,
    features: usize,
    classes: usize,
}

impl<'w> Building<'w> {
    /// Begins a network whose layers need these tensors, and whose classifier of this name reads so many
    /// features; the file tells the number of classes.
    ///
    /// # Errors
    /// Those of [`check`].
    pub(super) fn begin(
        (weights, end): (&'w StateDict, End),
        epsilon: f64,
        mut needed: Tensors,
        (name, features): (&'w str, usize),
    ) -> Result<Self> {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        let stored = weights.get(&weight);
        let classes = stored.and_then(|weight| weight.shape.first().copied());
        let classes = classes.unwrap_or(CLASSES);
        match end {
            End::Features => check(weights, &needed, &[weight, bias])?,
            End::Logits => {
                needed.extend([(weight, vec![classes, features]), (bias, vec![classes])]);
                check(weights, &needed, &[])?;
            }
        }
        Ok(Self {
            graph: GraphBuilder::new(&[3, SIZE, SIZE]),
            weights,
            epsilon,
            end,
            classifier: Classifier {
                name,
                features,
                classes,
            },
        })
    }

    /// A convolution with what belongs to it; its output has the convolution's name.
    pub(super) fn conv(&mut self, layer: &ConvNorm, x: &Value) -> Result<Value> {
        let conv = layer.folded(self.weights, self.epsilon)?;
        Ok(self.graph.conv(&layer.conv, x, &conv))
    }

    /// A linear layer with the weights of `name`; its output is called `output`.
    pub(super) fn linear(&mut self, name: &str, output: &str, x: &Value) -> Result<Value> {
        let weight = self.weights.need(&format!("{name}.weight"))?;
        let bias = self.weights.need(&format!("{name}.bias"))?;
        Ok(self.graph.linear(output, x, weight, bias))
    }

    /// The mean over all positions, as `features`.
    pub(super) fn mean(&mut self, map: &Value) -> Value {
        let pooled = self.graph.global_average_pool("pool", map);
        self.graph.flatten("features", &pooled)
    }

    /// The network that ends at the features (N, D) or, through the classifier, at `logits` (N, classes).
    ///
    /// # Errors
    /// Those of [`StateDict::need`].
    pub(super) fn finish(mut self, features: &Value) -> Result<Spliced> {
        let Classifier {
            name,
            features: length,
            classes,
        } = self.classifier;
        if self.end == End::Features {
            return Ok(self.graph.finish(&[(features, &[length])]));
        }
        let logits = self.linear(name, "logits", features)?;
        Ok(self.graph.finish(&[(&logits, &[classes])]))
    }
}

/// Checks that all of `needed` is there, in its shape, and nothing else but `spare`.
///
/// # Errors
/// [`Error::Weights`](crate::Error::Weights) naming what is missing, unexpected, or of another shape.
pub(super) fn check(
    weights: &StateDict,
    needed: &[(String, Vec<usize>)],
    spare: &[String],
) -> Result<()> {
    let needed: HashMap<_, _> = needed
        .iter()
        .map(|(name, shape)| (name.as_str(), shape))
        .collect();
    let missing = needed.keys().filter(|name| weights.get(name).is_none());
    let mut found = Differences {
        missing: missing.map(|name| format!("`{name}`")).collect(),
        ..Differences::default()
    };
    found.missing.sort();
    for (name, tensor) in weights.iter() {
        match needed.get(name) {
            Some(shape) if **shape == tensor.shape => {}
            Some(shape) => found.reshaped.push(format!(
                "`{name}` is {:?} instead of {shape:?}",
                tensor.shape
            )),
            None if spare.iter().any(|spare| spare == name) => {}
            None => found.unexpected.push(format!("`{name}`")),
        }
    }
    if found == Differences::default() {
        return Ok(());
    }
    Err(weights.fault(WeightsProblem::OtherTensors(found)))
}

/// The channels that the first convolution gives, `published` of them unless the file says otherwise: so
/// networks of the same plan that are thinner or wider throughout are read too.
///
/// `shape` is what its kernels must look like, (in, height, width); where they do not, [`check`] will say so.
pub(super) fn width(weights: &StateDict, name: &str, shape: [usize; 3], published: usize) -> usize {
    match weights.get(name).map(|tensor| tensor.shape.as_slice()) {
        Some(&[width @ 1..=MAX_WIDTH, i, h, w]) if [i, h, w] == shape => width,
        _ => published,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Tensor;

    fn weights(names: &[&str]) -> StateDict {
        let tensor = Tensor {
            shape: vec![2],
            data: vec![0.0; 2],
        };
        StateDict::new(
            "w.pth",
            names
                .iter()
                .map(|name| ((*name).to_owned(), tensor.clone())),
        )
    }

    #[test]
    fn what_is_wrong_is_named() {
        let needed = [
            ("a".to_owned(), vec![2]),
            ("b".to_owned(), vec![2]),
            ("c".to_owned(), vec![1, 2]),
        ];
        assert!(
            check(
                &weights(&["a", "b", "fc"]),
                &needed[..2],
                &["fc".to_owned()]
            )
            .is_ok()
        );
        let error = check(
            &weights(&["a", "c", "d", "fc"]),
            &needed,
            &["fc".to_owned()],
        )
        .unwrap_err();
        let text = "cannot use the network `w.pth`: 1 missing: `b`; 1 unexpected: `d`; \
                    1 of another shape: `c` is [2] instead of [1, 2]";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn the_width_is_read_off() {
        let of = |shape: &[usize]| {
            let tensor = Tensor {
                shape: shape.to_vec(),
                data: vec![0.0; shape.iter().product()],
            };
            let weights = StateDict::new("w.pth", [("c".to_owned(), tensor)]);
            width(&weights, "c", [3, 7, 7], 64)
        };
        assert_eq!(of(&[8, 3, 7, 7]), 8);
        for foreign in [&[8, 3, 3, 3][..], &[0, 3, 7, 7], &[8], &[5000, 3, 7, 7]] {
            assert_eq!(of(foreign), 64, "{foreign:?}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let error = check(&weights(&["1", "2", "3", "4", "5", "6", "7"]), &[], &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("7 unexpected: `1`, `2`, `3`, `4`, `5` and 2 more")
        );
    }
}
