//! The image input of a network.

use std::fmt;

use super::graph::{Dim, ValueInfo, element};
use crate::error::NetworkProblem;

/// The image input of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInput {
    /// Its name.
    pub name: String,
    /// The element type. A cut takes `float32` and converts it.
    pub element: Element,
    /// The batch size, if the file fixes it.
    pub batch: Option<u64>,
    /// The three dimensions after the batch, if the file fixes them.
    pub image: [Option<u64>; 3],
    /// All four dimensions, as written to a cut.
    pub(super) dims: [Dim; 4],
}

/// The element type of an image input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// 32-bit floats.
    Float32,
    /// 16-bit floats.
    Float16,
    /// 16-bit floats with the range of 32-bit ones.
    BFloat16,
    /// 64-bit floats.
    Float64,
    /// Bytes: unscaled pixel values.
    UInt8,
}

/// The name of the batch dimension, which may have any size.
const BATCH: &str = "N";

impl ImageInput {
    /// Creates an input that takes batches of any size.
    #[must_use]
    pub fn new(name: &str, element: Element, image: [Option<u64>; 3]) -> Self {
        let dim = |length: Option<u64>| length.map_or(Dim::Free(String::new()), Dim::Fixed);
        let [a, b, c] = image.map(dim);
        Self {
            name: name.to_owned(),
            element,
            batch: None,
            image,
            dims: [Dim::Free(BATCH.to_owned()), a, b, c],
        }
    }

    /// Creates the image input from a graph's input, or returns what is wrong with it.
    pub(super) fn of(info: &ValueInfo) -> Result<Self, NetworkProblem> {
        let name = info.name.clone();
        let element = info.element.and_then(Element::of);
        let element = element.ok_or_else(|| NetworkProblem::InputType(name.clone()))?;
        let free = || Dim::Free(String::new());
        let dims: [Dim; 4] = match &info.dims {
            None => [free(), free(), free(), free()],
            Some(dims) => {
                <[Dim; 4]>::try_from(dims.clone()).map_err(|dims| NetworkProblem::InputRank {
                    name: name.clone(),
                    rank: dims.len(),
                })?
            }
        };
        let fixed = |dim: &Dim| match dim {
            Dim::Fixed(length) => Some(*length),
            Dim::Free(_) => None,
        };
        Ok(Self {
            name,
            element,
            batch: fixed(&dims[0]),
            image: [1, 2, 3].map(|i| fixed(&dims[i])),
            dims: with_free_batch(dims),
        })
    }
}

/// Frees the batch, and gives it a name that no other dimension has.
fn with_free_batch(mut dims: [Dim; 4]) -> [Dim; 4] {
    let named = matches!(&dims[0], Dim::Free(name) if !name.is_empty());
    let taken = dims[1..].contains(&Dim::Free(BATCH.to_owned()));
    if !named {
        dims[0] = Dim::Free(if taken { "batch" } else { BATCH }.to_owned());
    }
    dims
}

/// The types, with their numbers in `TensorProto.DataType` and their names.
const ELEMENTS: [(Element, i32, &str); 5] = [
    (Element::Float32, element::FLOAT, "float32"),
    (Element::Float16, element::FLOAT16, "float16"),
    (Element::BFloat16, element::BFLOAT16, "bfloat16"),
    (Element::Float64, element::DOUBLE, "float64"),
    (Element::UInt8, element::UINT8, "uint8"),
];

impl Element {
    fn of(number: i32) -> Option<Self> {
        let known = ELEMENTS.iter().find(|(_, known, _)| *known == number);
        known.map(|(element, ..)| *element)
    }

    /// Returns its number in `TensorProto.DataType`.
    pub(super) fn number(self) -> i32 {
        ELEMENTS[self as usize].1
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ELEMENTS[*self as usize].2)
    }
}
