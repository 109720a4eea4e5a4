//! The columns of a label file.

use crate::phrases::in_quotes;

/// Names of the columns with the images, the first of which is taken.
const KEYS: [&str; 2] = ["path", "digest"];
/// Names of the columns with the labels.
const LABELS: [&str; 2] = ["label", "class"];

/// The names of the columns to read; `None` takes the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelColumns {
    /// The column with the paths or digests of the images: by default `path`, or else `digest`.
    pub key: Option<String>,
    /// The column with the labels: by default `label`, or else `class`.
    pub label: Option<String>,
}

/// The positions of the columns in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) key: usize,
    pub(super) label: usize,
    pub(super) status: Option<usize>,
    pub(super) probability: Option<usize>,
}

impl LabelColumns {
    /// Returns the names of columns that can have the images, the best first.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.key.as_deref().map_or(KEYS.to_vec(), |key| vec![key])
    }

    /// Returns the names of columns that can have the labels, the best first.
    pub(super) fn labels(&self) -> Vec<&str> {
        self.label
            .as_deref()
            .map_or(LABELS.to_vec(), |label| vec![label])
    }

    /// Finds the columns among the names of all, or returns what is wrong.
    pub(super) fn places(&self, names: &[&str]) -> Result<Places, String> {
        let find = |wanted: &[&str]| -> Result<Option<usize>, String> {
            let Some(name) = wanted.iter().find(|name| names.contains(name)) else {
                return Ok(None);
            };
            let mut places = (0..names.len()).filter(|&place| names[place] == *name);
            let first = places.next();
            match places.next() {
                None => Ok(first),
                Some(_) => Err(format!("it has two columns `{name}`")),
            }
        };
        let need = |wanted: &[&str]| find(wanted)?.ok_or_else(|| missing(wanted, names));
        let key = need(&self.keys())?;
        let label = need(&self.labels())?;
        if key == label {
            let name = names[key];
            return Err(format!(
                "its column `{name}` cannot have both images and labels"
            ));
        }
        Ok(Places {
            key,
            label,
            status: find(&["status"])?.filter(|place| ![key, label].contains(place)),
            probability: find(&["probability"])?.filter(|place| ![key, label].contains(place)),
        })
    }
}

/// Says that a column is missing, and which there are.
fn missing(wanted: &[&str], names: &[&str]) -> String {
    let there = in_quotes(names.iter().copied());
    let wanted = wanted.join("` or `");
    format!("it has no column `{wanted}`, only {there}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_names_are_found_in_any_order() {
        let usual = LabelColumns::default();
        let places = |names: &[&str]| usual.places(names).map(|p| (p.key, p.label, p.status));
        assert_eq!(places(&["path", "label"]), Ok((0, 1, None)));
        assert_eq!(places(&["class", "x", "digest"]), Ok((2, 0, None)));
        // Both kinds of each: the paths, and what is called a label.
        assert_eq!(
            places(&["digest", "class", "label", "path"]),
            Ok((3, 2, None))
        );
        assert_eq!(places(&["path", "label", "status"]), Ok((0, 1, Some(2))));
    }

    #[test]
    fn what_is_missing_or_there_twice_is_named() {
        let usual = LabelColumns::default();
        let refused = |names: &[&str]| usual.places(names).unwrap_err();
        assert_eq!(
            refused(&["file", "label"]),
            "it has no column `path` or `digest`, only `file`, `label`"
        );
        assert_eq!(
            refused(&["path", "label", "label"]),
            "it has two columns `label`"
        );
        let same = LabelColumns {
            key: Some("a".to_owned()),
            label: Some("a".to_owned()),
        };
        assert!(
            same.places(&["a"])
                .unwrap_err()
                .contains("both images and labels")
        );
    }
}
