//! The nodes that take the place of those of older versions.

use super::constants::Lift;
use super::raised::{Lifted, NewNode, changed};
use crate::graph::{Attribute, Names, Node};
use crate::proto::{self, int, text};

impl Lift<'_> {
    pub(super) fn reduction(&mut self, node: &Node, axes: &str) -> Option<Lifted> {
        let axes = self.list(node, "axes", axes).ok()?;
        Some(changed(node, "axes", [axes], vec![]))
    }

    pub(super) fn pad(&mut self, node: &Node, pads: &str, value: &str) -> Option<Lifted> {
        let pads = self.list(node, "pads", pads).ok()??;
        let value = self.scalar(node, "value", value).ok()?;
        Some(changed(node, "pads value", [Some(pads), value], vec![]))
    }

    pub(super) fn slice(&mut self, node: &Node, index: usize) -> Option<Lifted> {
        let starts = node.ints("starts")?.to_vec();
        let ends = node.ints("ends")?.to_vec();
        let axes = match node.attribute("axes") {
            None => (0..starts.len() as i64).collect(),
            Some(_) => node.ints("axes")?.to_vec(),
        };
        let limits = [("starts", starts), ("ends", ends), ("axes", axes)];
        let limits =
            limits.map(|(name, values)| Some(self.integers(&format!("{index}.{name}"), &values)));
        Some(changed(node, "starts ends axes", limits, vec![]))
    }

    /// Before version 13, all axes from `axis` on were flattened, and 1 was the default.
    pub(super) fn softmax(&self, index: usize, node: &Node) -> Option<Lifted> {
        let axis = match node.attribute("axis") {
            None => 1,
            Some(Attribute::Int(axis)) => *axis,
            Some(_) => return None,
        };
        let ([input], [output]) = (&node.inputs[..], &node.outputs[..]) else {
            return None;
        };
        if axis == -1 {
            return Some(Lifted::Same);
        }
        let [flat, soft, shape] =
            ["flat", "soft", "shape"].map(|part| self.name(&format!("{index}.{part}")));
        let node_of = |operator: &str, inputs: &[&str], output: &str, attributes| {
            proto::node(operator, output, inputs, output, attributes)
        };
        Some(Lifted::Nodes(vec![
            node_of("Flatten", &[input], &flat, vec![int("axis", axis)]),
            node_of(&node.operator, &[&flat], &soft, vec![int("axis", -1)]),
            node_of("Shape", &[input], &shape, vec![]),
            node_of("Reshape", &[&soft, &shape], output, vec![]),
        ]))
    }

    /// The other outputs are those of training, as is `spatial`.
    pub(super) fn batch_normalization(&self, node: &Node) -> Option<Lifted> {
        let is_spatial = matches!(node.ints("spatial"), None | Some([1]));
        let is_inference = matches!(node.ints("training_mode"), None | Some([0]));
        if !is_spatial || !is_inference {
            return None;
        }
        self.with_one_output(node, &node.operator, &node.inputs, "spatial")
    }

    /// Without training, nothing is dropped.
    pub(super) fn dropout(&self, node: &Node) -> Option<Lifted> {
        self.with_one_output(node, "Identity", node.inputs.get(..1)?, "ratio seed")
    }

    /// Returns a node with the first output, if nothing reads the others.
    fn with_one_output(
        &self,
        node: &Node,
        operator: &str,
        inputs: &[String],
        dropped: &'static str,
    ) -> Option<Lifted> {
        let mut others = node.outputs.iter().skip(1);
        let is_alone = others.all(|output| !self.read.contains(output.as_str()));
        is_alone.then(|| {
            Lifted::Changed(NewNode {
                operator: operator.to_owned(),
                inputs: inputs.to_vec(),
                outputs: node.outputs.iter().take(1).cloned().collect(),
                dropped: Names(dropped),
                added: vec![],
            })
        })
    }

    /// `Upsample`, and `Resize` of version 10, place pixels by their corners and round down.
    pub(super) fn resize(&mut self, node: &Node, what: &str) -> Option<Lifted> {
        let mode = match node.attribute("coordinate_transformation_mode") {
            Some(Attribute::Text(mode)) => mode.as_str(),
            _ => "",
        };
        let nearest_of_tensorflow = mode == "tf_half_pixel_for_nn";
        if node.operator == "Resize" && self.from > 10 {
            return (!nearest_of_tensorflow).then_some(Lifted::Same);
        }
        let (image, scales) = match (&node.inputs[..], node.attribute("scales")) {
            ([image, scales], None) => (image.clone(), scales.clone()),
            // Until version 8, the scales are an attribute.
            ([image], Some(Attribute::Floats(scales))) => {
                let scales = self.floats(what, &[scales.len() as i64], scales);
                (image.clone(), scales)
            }
            _ => return None,
        };
        Some(Lifted::Changed(NewNode {
            operator: "Resize".to_owned(),
            inputs: vec![image, String::new(), scales],
            outputs: node.outputs.clone(),
            dropped: Names("scales"),
            added: vec![
                text("coordinate_transformation_mode", "asymmetric"),
                text("nearest_mode", "floor"),
            ],
        }))
    }
}
