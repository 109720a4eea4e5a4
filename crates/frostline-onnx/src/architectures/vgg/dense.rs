//! The two dense layers of VGG before its classifier, as torchvision and timm name them.

use super::BLOCKS;
use crate::error::Result;
use crate::weights::StateDict;
use crate::{GraphBuilder, Value};

/// Height and width of the last map.
const MAP: usize = 7;
/// Length of the features, in first blocks' channels: 4096.
const DENSE: usize = 64;

/// What the dense layers are called: (first, second, classifier).
pub(super) const TORCHVISION: [&str; 3] = ["classifier.0", "classifier.3", "classifier.6"];
pub(super) const TIMM: [&str; 3] = ["pre_logits.fc1", "pre_logits.fc2", "head.fc"];

/// The two dense layers before the classifier.
#[derive(Debug)]
pub(super) struct Dense {
    pub(super) names: [&'static str; 3],
    /// The channels of the last map.
    pub(super) channels: usize,
    /// Length of both layers' outputs.
    pub(super) features: usize,
}

impl Dense {
    pub(super) fn of(width: usize, weights: &StateDict) -> Self {
        let is_timms = weights.get(&format!("{}.weight", TIMM[0])).is_some();
        Self {
            names: if is_timms { TIMM } else { TORCHVISION },
            channels: BLOCKS[4] * width,
            features: DENSE * width,
        }
    }

    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (first, second) = if self.names == TIMM {
            (
                vec![self.features, self.channels, MAP, MAP],
                vec![self.features, self.features, 1, 1],
            )
        } else {
            (
                vec![self.features, self.channels * MAP * MAP],
                vec![self.features, self.features],
            )
        };
        let layers = self.names.into_iter().zip([first, second]);
        layers
            .flat_map(|(name, shape)| {
                [
                    (format!("{name}.weight"), shape),
                    (format!("{name}.bias"), vec![self.features]),
                ]
            })
            .collect()
    }

    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        weights: &StateDict,
        map: &Value,
    ) -> Result<Value> {
        let mut x = graph.flatten("flat", map);
        for (name, output) in self.names.into_iter().zip(["dense", "features"]) {
            let weight = weights.need(&format!("{name}.weight"))?;
            let bias = weights.need(&format!("{name}.bias"))?;
            let sums = graph.linear(name, &x, weight, bias);
            x = graph.relu(output, &sums);
        }
        Ok(x)
    }
}
