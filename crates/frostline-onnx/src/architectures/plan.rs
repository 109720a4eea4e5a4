//! Code shared by all architectures: the tensors that a file must contain, layers that take their weights
//! from it, and the final classifier.

use std::collections::HashMap;

use super::conv_norm::{ConvNorm, Tensors};
use crate::error::{Differences, Result, WeightsProblem};
use crate::weights::StateDict;
use crate::{GraphBuilder, Spliced, Value};

/// The number of ImageNet's classes, used if the file has no classifier.
const CLASSES: usize = 1000;
/// The largest width: beyond any network of these architectures, and small enough that products do not
/// overflow.
const MAX_WIDTH: usize = 4096;

/// Where a network ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// At the input of its classifier: the output `features` (N, D).
    #[default]
    Features,
    /// At the output of its classifier, before softmax: the output `logits` (N, classes).
    Logits,
}

type AddLayers = dyn Fn(&mut Building) -> Result<(Value, usize)>;

/// An architecture, with everything decided that depends on the weights. Its layers are added twice: first to
/// collect the tensors that they need, then, once these are known to be present, to build the network.
pub(super) struct Plan {
    /// Height and width of the images.
    pub(super) size: usize,
    /// ε of the batch norms.
    pub(super) epsilon: f64,
    /// The name of the classifier: `{classifier}.weight` (classes, features) and `{classifier}.bias`.
    pub(super) classifier: &'static str,
    /// Adds the layers; returns the features and their number.
    pub(super) add: Box<AddLayers>,
}

impl Plan {
    /// Builds the network. The file determines the number of classes; if the network ends at the features, it
    /// needs no classifier.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) naming the tensors that are missing, unexpected or of the
    /// wrong shape; those of [`ConvNorm::folded`].
    pub(super) fn build(&self, weights: &StateDict, end: End) -> Result<Spliced> {
        let found = self.differences(weights, end)?;
        if found != Differences::default() {
            return Err(weights.fault(WeightsProblem::OtherTensors(found)));
        }
        let mut network = self.network(weights);
        let (features, length) = (self.add)(&mut network)?;
        if end == End::Features {
            return Ok(network.graph.finish(&[(&features, &[length])]));
        }
        let shape = vec![classes(weights, self.classifier), length];
        let outputs = shape[0];
        let logits = network.linear(self.classifier, "logits", shape, &features)?;
        Ok(network.graph.finish(&[(&logits, &[outputs])]))
    }

    /// Returns how the tensors differ from those that the network needs; only names and shapes matter. If the
    /// network ends at the features, everything in its classifier's place is allowed.
    pub(super) fn differences(&self, weights: &StateDict, end: End) -> Result<Differences> {
        let (mut needed, features) = self.needed()?;
        let spare = match end {
            End::Features => Some(format!("{}.", self.classifier)),
            End::Logits => {
                let shape = vec![classes(weights, self.classifier), features];
                needed.extend(linear_tensors(self.classifier, shape));
                None
            }
        };
        Ok(differences(weights, &needed, spare.as_deref()))
    }

    /// Returns the tensors that the layers need, without the classifier's, and the number of features.
    pub(super) fn needed(&self) -> Result<(Tensors, usize)> {
        let none = StateDict::default();
        let mut network = self.network(&none);
        network.needed = Some(Vec::new());
        let (_, features) = (self.add)(&mut network)?;
        Ok((network.needed.unwrap_or_default(), features))
    }

    fn network<'w>(&self, weights: &'w StateDict) -> Building<'w> {
        Building {
            graph: GraphBuilder::new(&[3, self.size, self.size]),
            weights,
            epsilon: self.epsilon,
            needed: None,
        }
    }
}

/// A network being built from weights, or the tensors that it needs.
pub(super) struct Building<'w> {
    pub(super) graph: GraphBuilder,
    weights: &'w StateDict,
    /// ε of the batch norms.
    epsilon: f64,
    /// The tensors collected by the first run; `None` in the second.
    needed: Option<Tensors>,
}

fn classes(weights: &StateDict, classifier: &str) -> usize {
    let weight = weights.get(&format!("{classifier}.weight"));
    let classes = weight.and_then(|weight| weight.shape.first().copied());
    classes.unwrap_or(CLASSES)
}

/// Returns the names and shapes of a linear layer's weight and bias.
fn linear_tensors(name: &str, shape: Vec<usize>) -> [(String, Vec<usize>); 2] {
    let outputs = vec![shape[0]];
    [("weight", shape), ("bias", outputs)].map(|(part, shape)| (format!("{name}.{part}"), shape))
}

impl Building<'_> {
    /// Adds a convolution with its bias or batch norm; the output has the convolution's name.
    pub(super) fn conv(&mut self, layer: &ConvNorm, x: &Value) -> Result<Value> {
        if let Some(needed) = &mut self.needed {
            needed.extend(layer.tensors());
            return Ok(x.clone());
        }
        let conv = layer.folded(self.weights, self.epsilon)?;
        Ok(self.graph.conv(&layer.conv, x, &conv))
    }

    /// Adds a linear layer with the weights of `name`; its output is named `output`.
    pub(super) fn linear(
        &mut self,
        name: &str,
        output: &str,
        shape: Vec<usize>,
        x: &Value,
    ) -> Result<Value> {
        let tensors = linear_tensors(name, shape);
        if let Some(needed) = &mut self.needed {
            needed.extend(tensors);
            return Ok(x.clone());
        }
        let [weight, bias] = tensors.map(|(name, _)| self.weights.need(&name));
        Ok(self.graph.linear(output, x, weight?, bias?))
    }

    /// Adds the mean over all positions, as `features`.
    pub(super) fn mean(&mut self, map: &Value) -> Value {
        let pooled = self.graph.global_average_pool("pool", map);
        self.graph.flatten("features", &pooled)
    }
}

/// Compares a file's tensors with the `needed` ones; those whose names start with `spare` may be there.
fn differences(
    weights: &StateDict,
    needed: &[(String, Vec<usize>)],
    spare: Option<&str>,
) -> Differences {
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
                "`{name}` is {:?}, expected {shape:?}",
                tensor.shape
            )),
            None if spare.is_some_and(|spare| name.starts_with(spare)) => {}
            None => found.unexpected.push(format!("`{name}`")),
        }
    }
    found
}

/// Returns the number of output channels of the first convolution, or `published` if its kernels have an
/// unexpected shape. This way, networks that are narrower or wider throughout can be read, too.
///
/// `shape` is the expected shape of its kernels, (in, height, width); if it differs, [`Plan::differences`]
/// reports that.
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
        let found = differences(
            &weights(&["a", "b", "fc.0.bias"]),
            &needed[..2],
            Some("fc."),
        );
        assert_eq!(found, Differences::default());
        let found = differences(&weights(&["a", "c", "d", "fc.bias"]), &needed, Some("fc."));
        let text = "1 missing: `b`; 1 unexpected: `d`; \
                    1 with the wrong shape: `c` is [2], expected [1, 2]";
        assert_eq!(found.to_string(), text);
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
        let found = differences(&weights(&["1", "2", "3", "4", "5", "6", "7"]), &[], None);
        assert_eq!(
            found.to_string(),
            "7 unexpected: `1`, `2`, `3`, `4`, `5` and 2 more"
        );
    }
}
