//! The dense layer that ends a network: left out of the features, kept for the labels.

use super::{End, expected};
use crate::error::Result;
use crate::weights::StateDict;
use crate::{GraphBuilder, Spliced, Value};

/// The classes of ImageNet, where the file does not tell how many there are.
const CLASSES: usize = 1000;

/// The last layer, logits = W features + b.
#[derive(Debug)]
pub(super) struct Classifier {
    /// `{name}.weight` (classes, features) and `{name}.bias` (classes).
    name: String,
    features: usize,
    classes: usize,
}

impl Classifier {
    /// The classifier `name` of a network with so many `features`; the file tells the number of classes.
    pub(super) fn of(name: &str, features: usize, weights: &StateDict) -> Self {
        let weight = weights.get(&format!("{name}.weight"));
        let classes = weight.and_then(|weight| weight.shape.first().copied());
        Self {
            name: name.to_owned(),
            features,
            classes: classes.unwrap_or(CLASSES),
        }
    }

    /// Checks that there are the tensors of the network: `needed`, and the classifier's where it is kept.
    ///
    /// # Errors
    /// Those of [`expected::check`].
    pub(super) fn check(
        &self,
        weights: &StateDict,
        mut needed: Vec<(String, Vec<usize>)>,
        end: End,
    ) -> Result<()> {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{}.{part}", self.name));
        match end {
            End::Features => expected::check(weights, &needed, &[weight, bias]),
            End::Logits => {
                needed.push((weight, vec![self.classes, self.features]));
                needed.push((bias, vec![self.classes]));
                expected::check(weights, &needed, &[])
            }
        }
    }

    /// The model that ends at the features (N, D) or, through the classifier, at `logits` (N, classes).
    ///
    /// # Errors
    /// Those of [`StateDict::need`].
    pub(super) fn finish(
        &self,
        mut graph: GraphBuilder,
        features: &Value,
        weights: &StateDict,
        end: End,
    ) -> Result<Spliced> {
        if end == End::Features {
            return Ok(graph.finish(&[(features, &[self.features])]));
        }
        let weight = weights.need(&format!("{}.weight", self.name))?;
        let bias = weights.need(&format!("{}.bias", self.name))?;
        let logits = graph.linear("logits", features, weight, bias);
        Ok(graph.finish(&[(&logits, &[self.classes])]))
    }
}
