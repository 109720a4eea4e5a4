//! Lists in JSON that stop being read when they are longer than any request needs: an element takes more
//! memory than its text.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// The largest number of elements.
pub(super) const MOST: usize = 1 << 16;

/// Reads a list of at most [`MOST`] elements.
pub(super) fn bounded<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Bounded(PhantomData))
}

struct Bounded<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut found = Vec::new();
        while let Some(element) = elements.next_element()? {
            if found.len() == MOST {
                return Err(too_many());
            }
            found.push(element);
        }
        Ok(found)
    }
}

/// Returns the error of a list that is too long.
pub(super) fn too_many<E: Error>() -> E {
    E::custom(format_args!("a list has more than {MOST} elements"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Lists {
        #[serde(deserialize_with = "bounded")]
        numbers: Vec<u8>,
    }

    #[test]
    fn longer_lists_are_refused() {
        let read = |n: usize| {
            let list = vec!["1"; n].join(",");
            serde_json::from_str::<Lists>(&format!(r#"{{"numbers": [{list}]}}"#))
        };
        assert_eq!(read(MOST).unwrap().numbers.len(), MOST);
        let error = read(MOST + 1).err().unwrap().to_string();
        assert!(
            error.starts_with("a list has more than 65536 elements"),
            "{error}"
        );
    }
}
