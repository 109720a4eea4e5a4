//! Many texts in one allocation. A `String` for each would take 24 bytes and an allocation more.

/// Texts in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    /// The texts, one after the other.
    all: String,
    /// The end of each text.
    ends: Vec<usize>,
}

impl Texts {
    /// Adds a text.
    pub(crate) fn push(&mut self, text: &str) {
        self.all += text;
        self.ends.push(self.all.len());
    }

    /// Keeps only the first texts.
    pub(crate) fn truncate(&mut self, n: usize) {
        self.ends.truncate(n);
        self.all.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Returns the number of texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a text by its number, from 0.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.all[start..end])
    }

    /// Iterates over all texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|number| self.get(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_by_number() {
        let mut texts = Texts::default();
        assert_eq!(texts.get(0), None);
        for text in ["a", "", "é/b.png"] {
            texts.push(text);
        }
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "", "é/b.png"]);
        texts.truncate(4);
        assert_eq!((texts.get(2), texts.get(3)), (Some("é/b.png"), None));
        texts.truncate(1);
        texts.push("b");
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
