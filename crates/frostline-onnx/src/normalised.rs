//! Finds out whether a network normalises pixel values itself, as with Keras's layers `Rescaling` and
//! `Normalization` at its start.

use super::graph::{Network, Node};
use super::rewrite::Tensors;

/// The pixel values that a network normalises itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelRange {
    /// From 0 to 255.
    Bytes,
    /// From 0 to 1.
    Unit,
}

/// Pixel values x become a · x + b, with an a and a b for each channel.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Affine {
    a: [f32; 3],
    b: [f32; 3],
}

impl Network {
    /// Returns the pixel values that the nodes after the input `name` normalise; `None` if there are no such
    /// nodes, or if it is not clear which values they expect.
    #[must_use]
    pub fn normalises(&self, name: &str) -> Option<PixelRange> {
        let tensors = Tensors::of(self)?;
        let mut tensor = name;
        let mut all = Affine::UNCHANGED;
        // Each step leads to another node, unless the graph has a cycle.
        for _ in 0..self.graph.nodes.len() {
            let Some((_, node)) = tensors.only_reader(tensor) else {
                break;
            };
            match node.operator.as_str() {
                "Cast" | "Transpose" | "Identity" => {}
                _ => match all.then(&tensors, node, tensor) {
                    Some(next) => all = next,
                    None => break,
                },
            }
            tensor = node.outputs.first()?;
        }
        all.range()
    }
}

impl Affine {
    const UNCHANGED: Self = Self {
        a: [1.0; 3],
        b: [0.0; 3],
    };

    /// Returns the values after a node; `None` if it is not arithmetic with a constant.
    fn then<'m>(self, tensors: &Tensors<'m>, node: &'m Node, tensor: &str) -> Option<Self> {
        let [left, right] = &node.inputs[..] else {
            return None;
        };
        let is_left = left == tensor;
        let constant = tensors.of_channels(if is_left { right } else { left })?;
        let each = |values: [f32; 3], with: fn(f32, f32) -> f32| {
            [0, 1, 2].map(|channel| with(values[channel], constant[channel]))
        };
        let Self { a, b } = self;
        match node.operator.as_str() {
            "Mul" => Some(Self {
                a: each(a, |a, by| a * by),
                b: each(b, |b, by| b * by),
            }),
            "Div" if is_left => Some(Self {
                a: each(a, |a, by| a / by),
                b: each(b, |b, by| b / by),
            }),
            "Add" => Some(Self {
                a,
                b: each(b, |b, by| b + by),
            }),
            "Sub" if is_left => Some(Self {
                a,
                b: each(b, |b, by| b - by),
            }),
            _ => None,
        }
    }

    /// Returns the range that becomes values of about −3 to 3: a step of 255 by a factor below 0.05, a step
    /// of 1 by one above 0.5. With a factor of 1, the offset decides, as in Caffe's preprocessing.
    fn range(self) -> Option<PixelRange> {
        let (a, b) = (self.a.map(f32::abs), self.b.map(f32::abs));
        let all = |test: fn(&f32) -> bool| a.iter().all(test);
        if all(|a| *a < 0.05) || b.iter().all(|b| *b > 20.0) {
            Some(PixelRange::Bytes)
        } else if all(|a| *a > 0.5) && self != Self::UNCHANGED {
            Some(PixelRange::Unit)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample::{exported, open};

    #[test]
    fn rescaling_at_the_start_of_exported_networks() {
        for (file, input, range) in [
            ("keras_rescaling", "image", Some(PixelRange::Bytes)),
            ("keras_plain", "image", None),
            ("vit_dynamo_free", "pixel_values", None),
        ] {
            let network = Network::read(&exported(file), open).unwrap();
            assert_eq!(network.normalises(input), range, "{file}");
        }
    }

    #[test]
    fn factors_and_offsets_tell_the_range() {
        let range = |a: f32, b: f32| {
            let (a, b) = ([a; 3], [b; 3]);
            Affine { a, b }.range()
        };
        // Keras's `Rescaling(1 / 127.5, offset=-1)`, and ImageNet's mean and std for values up to 255.
        assert_eq!(range(1.0 / 127.5, -1.0), Some(PixelRange::Bytes));
        assert_eq!(range(0.0171, -2.118), Some(PixelRange::Bytes));
        // Caffe's preprocessing: minus 103.939 and so on.
        assert_eq!(range(1.0, -103.939), Some(PixelRange::Bytes));
        // ImageNet's mean and std for values up to 1, and `2 * x - 1`.
        assert_eq!(range(1.0 / 0.229, -0.485 / 0.229), Some(PixelRange::Unit));
        assert_eq!(range(2.0, -1.0), Some(PixelRange::Unit));
        assert_eq!(range(1.0, 0.0), None);
        assert_eq!(range(0.2, 0.0), None);
    }
}
