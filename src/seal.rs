//! A checksum of a file that is stored in the file itself.
//!
//! # Format
//! The BLAKE3 hash of all bytes of the file as 64 lower-case hex digits, computed with the digits themselves
//! replaced by the character `0`. Its position depends on the format: in an Arrow footer's metadata, or after
//! `"checksum":"` in JSON. The checksum detects damage. It is not a signature: anyone who changes a file can
//! recompute it.

use std::io::{self, Read};
use std::ops::Range;

use serde::Serialize;

/// The placeholder for the digits before they are computed.
pub(crate) const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Serialises an object as JSON with a `checksum` after its other fields.
///
/// # Panics
/// If it is not an object with fields that have a JSON form.
pub(crate) fn json(object: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_string_pretty(object).expect("its fields have a JSON form");
    let open = json.trim_end_matches("\n}");
    let mut bytes = format!("{open},\n  \"checksum\":\"{BLANK}\"\n}}\n").into_bytes();
    let place = place_in_json(&bytes).expect("the line above wrote it");
    put(&mut bytes, place);
    bytes
}

/// Computes the digits and writes them into a file's bytes, over the placeholder at `place`.
///
/// # Panics
/// If the bytes at `place` are not [`BLANK`].
pub(crate) fn put(bytes: &mut [u8], place: Range<usize>) {
    assert_eq!(
        &bytes[place.clone()],
        BLANK.as_bytes(),
        "no space was reserved for the checksum"
    );
    let digits = digits(bytes, &place);
    bytes[place].copy_from_slice(digits.as_bytes());
}

/// Returns whether the digits at `place` are the checksum of the file.
pub(crate) fn is_right(bytes: &[u8], place: Range<usize>) -> bool {
    bytes.get(place.clone()).is_some_and(|found| {
        found.len() == BLANK.len() && found == digits(bytes, &place).as_bytes()
    })
}

/// Returns whether the digits at `place` are the checksum of a file, which is read piece by piece.
///
/// # Errors
/// Those of reading the file.
pub(crate) fn is_right_in(file: &mut impl Read, place: Range<usize>) -> io::Result<bool> {
    let mut hasher = blake3::Hasher::new();
    let mut found = [0; BLANK.len()];
    io::copy(&mut file.take(place.start as u64), &mut hasher)?;
    if place.len() != found.len() {
        return Ok(false);
    }
    file.read_exact(&mut found)?;
    hasher.update(BLANK.as_bytes());
    io::copy(file, &mut hasher)?;
    Ok(hasher.finalize().to_hex().as_bytes() == found)
}

fn digits(bytes: &[u8], place: &Range<usize>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..place.start]);
    hasher.update(BLANK.as_bytes());
    hasher.update(&bytes[place.end..]);
    hasher.finalize().to_hex().to_string()
}

/// Finds the digits in JSON without spaces around its colons: they follow the last `"checksum":"`. That key
/// cannot occur inside a string, where its quotation marks would be escaped.
pub(crate) fn place_in_json(json: &[u8]) -> Option<Range<usize>> {
    const KEY: &[u8] = b"\"checksum\":\"";
    let key = json.windows(KEY.len()).rposition(|window| window == KEY)?;
    let start = key + KEY.len();
    let end = start + BLANK.len();
    (json.get(end) == Some(&b'"')).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of `printf '{"a":1,"checksum":"%064d"}' 0 | b3sum`.
    const DIGITS: &str = "931a32a183c51dbce4eab9aa7fa9c44d1bac0ea91e0e8a036bc1a9f04d0e9645";

    fn sealed() -> (Vec<u8>, Range<usize>) {
        let mut json = format!(r#"{{"a":1,"checksum":"{BLANK}"}}"#).into_bytes();
        let place = place_in_json(&json).unwrap();
        put(&mut json, place.clone());
        (json, place)
    }

    #[test]
    fn the_digits_are_those_of_the_file_with_zeros() {
        let (json, place) = sealed();
        assert_eq!(&json[place], DIGITS.as_bytes());
    }

    #[test]
    fn every_bit_counts() {
        let (json, place) = sealed();
        assert!(is_right(&json, place.clone()));
        assert!(is_right_in(&mut &json[..], place.clone()).unwrap());
        for bit in 0..json.len() * 8 {
            let mut flipped = json.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_right(&flipped, place.clone()), "bit {bit}");
            assert!(!is_right_in(&mut &flipped[..], place.clone()).unwrap());
        }
        assert!(!is_right(&json[..place.end - 1], place.clone()));
        assert!(!is_right(&json, place.start..place.end - 1));
    }

    #[test]
    fn a_text_that_looks_like_the_place_is_not_it() {
        let json = serde_json::json!({"checksum": BLANK, "a": "\"checksum\":\"b"}).to_string();
        let place = place_in_json(json.as_bytes()).unwrap();
        assert_eq!(&json[place], BLANK);
        assert_eq!(place_in_json(b"{\"checksum\":\"00\"}"), None);
    }
}
