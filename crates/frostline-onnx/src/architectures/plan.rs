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

/// A network that is built out of weights. Its plan runs twice: to tell which tensors it needs, and, when
/// these are known to be there, to build it.
pub(super) struct Building<'w> {
    pub(super) graph: GraphBuilder,
    weights: &'w StateDict,
    /// The batch norms' ε.
    epsilon: f64,
    /// What the first run finds to be needed; `None` in the second.
    needed: Option<Tensors>,
}

/// Builds a network by its plan, which gives the features and how many there are. The classifier reads them:
/// `{classifier}.weight` (classes, features) and `{classifier}.bias` (classes). The file tells the number of
/// classes; where the network ends at the features, it need not have any.
///
/// # Errors
/// Those of [`check`], and what is wrong with the numbers.
pub(super) fn build(
    (weights, end): (&StateDict, End),
    epsilon: f64,
    classifier: &str,
    plan: impl Fn(&mut Building) -> Result<(Value, usize)>,
) -> Result<Spliced> {
    let (mut needed, features) = needed(weights, &plan)?;
    let last = linear_tensors(classifier, vec![classes(weights, classifier), features]);
    let spare = match end {
        End::Features => last.map(|(name, _)| name).to_vec(),
        End::Logits => {
            needed.extend(last);
            Vec::new()
        }
    };
    check(weights, &needed, &spare)?;
    let mut network = Building::new(weights, epsilon);
    let (features, length) = plan(&mut network)?;
    if end == End::Features {
        return Ok(network.graph.finish(&[(&features, &[length])]));
    }
    let shape = vec![classes(weights, classifier), length];
    let outputs = shape[0];
    let logits = network.linear(classifier, "logits", shape, &features)?;
    Ok(network.graph.finish(&[(&logits, &[outputs])]))
}

/// The tensors that a plan needs but for its classifier's, and the number of its features.
pub(super) fn needed(
    weights: &StateDict,
    plan: impl Fn(&mut Building) -> Result<(Value, usize)>,
) -> Result<(Tensors, usize)> {
    let mut network = Building::new(weights, 0.0);
    network.needed = Some(Vec::new());
    let (_, features) = plan(&mut network)?;
    Ok((network.needed.unwrap_or_default(), features))
}

fn classes(weights: &StateDict, classifier: &str) -> usize {
    let weight = weights.get(&format!("{classifier}.weight"));
    let classes = weight.and_then(|weight| weight.shape.first().copied());
    classes.unwrap_or(CLASSES)
}

/// Weight and bias of a linear layer.
fn linear_tensors(name: &str, shape: Vec<usize>) -> [(String, Vec<usize>); 2] {
    let outputs = vec![shape[0]];
    [("weight", shape), ("bias", outputs)].map(|(part, shape)| (format!("{name}.{part}"), shape))
}

impl<'w> Building<'w> {
    fn new(weights: &'w StateDict, epsilon: f64) -> Self {
        Self {
            graph: GraphBuilder::new(&[3, SIZE, SIZE]),
            weights,
            epsilon,
            needed: None,
        }
    }

    /// A convolution with what belongs to it; its output has the convolution's name.
    pub(super) fn conv(&mut self, layer: &ConvNorm, x: &Value) -> Result<Value> {
        if let Some(needed) = &mut self.needed {
            needed.extend(layer.tensors());
            return Ok(x.clone());
        }
        let conv = layer.folded(self.weights, self.epsilon)?;
        Ok(self.graph.conv(&layer.conv, x, &conv))
    }

    /// A linear layer with the weights of `name`; its output is called `output`.
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

    /// The mean over all positions, as `features`.
    pub(super) fn mean(&mut self, map: &Value) -> Value {
        let pooled = self.graph.global_average_pool("pool", map);
        self.graph.flatten("features", &pooled)
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
