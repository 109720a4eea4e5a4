//! Class names and their indices.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ImagesError, Result};

/// Unique class names in index order; `targets` are indices into it.
///
/// [`ClassIndex::from_names`] sorts the names as torchvision's `ImageFolder` sorts the class folders. A
/// `ClassIndex` is serialised as a list of names; deserialising a list with a duplicate name fails.
///
/// ```
/// use frostline::ClassIndex;
///
/// let classes = ClassIndex::from_names(["predator", "alien", "predator"]);
/// assert_eq!(classes.class_to_idx("predator"), Some(1));
/// assert_eq!(classes.name(0), Some("alien"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ClassIndex {
    names: Vec<String>,
    indices: HashMap<String, usize>,
}

impl ClassIndex {
    /// Creates an index of names, sorted by their bytes, without duplicates.
    ///
    /// The order is that of Python's `sorted` on `str`, since UTF-8 bytes sort like code points.
    pub fn from_names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        Self::from_unique(names)
    }

    /// Creates an index of names in the given order.
    ///
    /// # Errors
    /// [`ImagesError::RepeatedClass`] if a name occurs twice.
    pub fn from_ordered<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Result<Self> {
        let index = Self::from_unique(names.into_iter().map(Into::into).collect());
        let repeated = |(i, name): &(usize, &str)| index.indices[*name] != *i;
        if let Some((_, name)) = index.iter().enumerate().find(repeated) {
            return Err(ImagesError::RepeatedClass(name.to_owned()).into());
        }
        Ok(index)
    }

    fn from_unique(names: Vec<String>) -> Self {
        let indices = names.iter().cloned().zip(0..).collect();
        Self { names, indices }
    }

    /// Returns the index of a class. The name must match exactly, including case and spaces.
    #[must_use]
    pub fn class_to_idx(&self, name: &str) -> Option<usize> {
        self.indices.get(name).copied()
    }

    /// Returns the name of the class with this index, or `None` if the index is out of range.
    #[must_use]
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index).map(String::as_str)
    }

    /// Returns the number of classes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether there are no classes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Iterates over the names in index order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.names.iter().map(String::as_str)
    }
}

impl TryFrom<Vec<String>> for ClassIndex {
    type Error = Error;

    fn try_from(names: Vec<String>) -> Result<Self> {
        Self::from_ordered(names)
    }
}

impl From<ClassIndex> for Vec<String> {
    fn from(classes: ClassIndex) -> Self {
        classes.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_bytes_as_python_sorts_them() {
        // Python's sorted(["ä", "b", "B", "a b", "a", "b"]) without duplicates.
        let classes = ClassIndex::from_names(["ä", "b", "B", "a b", "a", "b"]);
        assert_eq!(
            classes.iter().collect::<Vec<_>>(),
            ["B", "a", "a b", "b", "ä"]
        );
        assert_eq!(classes.len(), 5);
        assert!(!classes.is_empty());
    }

    #[test]
    fn a_name_must_match_exactly() {
        let classes = ClassIndex::from_names(["cat", "dog"]);
        assert_eq!(classes.class_to_idx("dog"), Some(1));
        for near in ["Dog", "dog ", "do", ""] {
            assert_eq!(classes.class_to_idx(near), None);
        }
        assert_eq!(classes.name(2), None);
    }

    #[test]
    fn an_order_of_ones_own_is_kept_and_repetitions_are_named() {
        let classes = ClassIndex::from_ordered(["dog", "cat"]).unwrap();
        assert_eq!(classes.class_to_idx("dog"), Some(0));
        let error = ClassIndex::from_ordered(["dog", "cat", "dog"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the class `dog` is listed more than once"
        );
    }

    #[test]
    fn json_is_a_list_of_names() {
        let classes = ClassIndex::from_ordered(["dog", "cat"]).unwrap();
        let json = serde_json::to_string(&classes).unwrap();
        assert_eq!(json, r#"["dog","cat"]"#);
        assert_eq!(serde_json::from_str::<ClassIndex>(&json).unwrap(), classes);
        assert!(serde_json::from_str::<ClassIndex>(r#"["a","a"]"#).is_err());
    }
}
