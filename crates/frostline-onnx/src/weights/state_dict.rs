//! A state dict: tensors by name, in the order of the file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, WeightsProblem};

/// Values with a shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tensor {
    /// The sizes, outermost first; empty for a single value.
    pub shape: Vec<usize>,
    /// The values in row-major order.
    pub data: Vec<f32>,
}

/// Tensors by name, in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateDict {
    path: PathBuf,
    tensors: Vec<(String, Tensor)>,
    index: HashMap<String, usize>,
}

impl StateDict {
    /// Creates a state dict of `tensors`. Of two with the same name the later is kept, at the position of the
    /// earlier. Errors name the file `path`.
    pub fn new(
        path: impl Into<PathBuf>,
        tensors: impl IntoIterator<Item = (String, Tensor)>,
    ) -> Self {
        let mut dict = Self {
            path: path.into(),
            ..Self::default()
        };
        for (name, tensor) in tensors {
            let end = dict.tensors.len();
            match *dict.index.entry(name.clone()).or_insert(end) {
                at if at == end => dict.tensors.push((name, tensor)),
                at => dict.tensors[at].1 = tensor,
            }
        }
        dict
    }

    /// Returns the file that the tensors came from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the tensor with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.index.get(name).map(|&at| &self.tensors[at].1)
    }

    /// Returns the tensor with this name, which must exist.
    ///
    /// # Errors
    /// [`Error::Weights`] if it is missing.
    pub fn need(&self, name: &str) -> Result<&Tensor> {
        self.get(name)
            .ok_or_else(|| self.fault(WeightsProblem::Missing(name.to_owned())))
    }

    /// Returns the error for its file.
    pub(crate) fn fault(&self, problem: WeightsProblem) -> Error {
        Error::Weights {
            path: self.path.clone(),
            problem,
        }
    }

    /// Returns names and tensors, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Returns the number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Returns whether there are no tensors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_the_later_of_two() {
        let one = |x| Tensor {
            shape: vec![],
            data: vec![x],
        };
        let named = [("b", 1.0), ("a", 2.0), ("b", 3.0)].map(|(name, x)| (name.to_owned(), one(x)));
        let dict = StateDict::new("w.pth", named);
        assert_eq!(
            dict.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            ["b", "a"]
        );
        assert_eq!(dict.get("b"), Some(&one(3.0)));
        assert_eq!(dict.get("c"), None);
        assert_eq!(dict.len(), 2);
    }
}
