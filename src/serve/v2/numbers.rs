//! The elements of a tensor in JSON, flat or nested to any depth, as one vector. A general value of JSON
//! would take sixteen times the memory of the text.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::serve::bounded::{MOST, too_many};

/// The elements of a tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// Numbers; the integers of 8 bits and the numbers of 32 bits are exact.
    Numbers(Vec<f32>),
    Texts(Vec<String>),
}

/// The elements found so far.
#[derive(Default)]
struct Found {
    numbers: Vec<f32>,
    texts: Vec<String>,
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Found::default();
        Elements(&mut found).deserialize(deserializer)?;
        match (found.numbers.is_empty(), found.texts.is_empty()) {
            (false, false) => Err(D::Error::custom("`data` mixes numbers and strings")),
            (true, false) => Ok(Self::Texts(found.texts)),
            _ => Ok(Self::Numbers(found.numbers)),
        }
    }
}

struct Elements<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers, booleans, strings or arrays of these")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let number = number as f32;
        if !number.is_finite() {
            return Err(E::custom("a number exceeds the range of FP32"));
        }
        self.0.numbers.push(number);
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.visit_f64(f64::from(flag))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.0.texts.len() == MOST {
            return Err(too_many());
        }
        self.0.texts.push(text.to_owned());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Elements(self.0))?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_elements_are_in_row_major_order() {
        let read = |text: &str| serde_json::from_str::<Data>(text);
        let numbers = Data::Numbers(vec![1.0, -2.5, 3.0, 0.0]);
        assert_eq!(read("[1, -2.5, 3, 0]").unwrap(), numbers);
        assert_eq!(read("[[1, -2.5], [[3], 0]]").unwrap(), numbers);
        assert_eq!(read("[]").unwrap(), Data::Numbers(vec![]));
        let texts = Data::Texts(vec!["a".to_owned(), String::new()]);
        assert_eq!(read(r#"["a", [""]]"#).unwrap(), texts);
        for wrong in ["[1, \"a\"]", "[1e39]", "[null]", "{}", "[NaN]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&("[".repeat(1000) + &"]".repeat(1000))).is_err());
    }
}
