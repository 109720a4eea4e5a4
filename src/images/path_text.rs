//! Writes paths as text that can be read back, whatever bytes they contain.
//!
//! # Format
//!
//! A path that is valid UTF-8 and does not contain an escape (a backslash, an `x`, a digit 8 to f and another
//! hexadecimal digit, such as `\xe9`) is written unchanged. In any other path, each backslash is doubled and
//! each byte that is not valid UTF-8 becomes `\xhh` in lower case. Hence text that contains an escape is
//! decoded, and all other text is verbatim. Where paths are not bytes (Windows), they are written as the
//! system displays them.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

pub use crate::visible::for_terminal;

/// Returns the text form of a path.
///
/// ```
/// use frostline::images::path_text::to_text;
/// assert_eq!(to_text("cat/back\\slash.jpg".as_ref()), "cat/back\\slash.jpg");
/// ```
#[must_use]
pub fn to_text(path: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let bytes = path.as_os_str().as_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) if !holds_escape(text) => text.to_owned(),
            _ => escape(bytes),
        }
    }
    #[cfg(not(unix))]
    path.to_string_lossy().into_owned()
}

/// Returns the text form of the absolute path of a file, which does not depend on the working directory.
#[must_use]
pub(crate) fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    to_text(&absolute)
}

/// Returns the text form of a path in bytes, as archives store it.
#[must_use]
pub(crate) fn of_bytes(path: &[u8]) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        to_text(std::ffi::OsStr::from_bytes(path).as_ref())
    }
    #[cfg(not(unix))]
    String::from_utf8_lossy(path).into_owned()
}

/// Returns the path that [`to_text`] wrote.
#[must_use]
pub fn from_text(text: &str) -> PathBuf {
    #[cfg(unix)]
    if holds_escape(text) {
        use std::os::unix::ffi::OsStringExt;
        return std::ffi::OsString::from_vec(unescape(text.as_bytes())).into();
    }
    PathBuf::from(text)
}

/// Compares the text forms of two paths as a scan orders the paths: component by component and byte by byte.
///
/// Only equal texts are equal. Other programs write texts that [`to_text`] never writes, such as `\xFF` for
/// `\xff`; they lead to the same file, and follow each other.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    /// No name contains a NUL, which sorts before any other byte.
    fn key(path: &[u8]) -> impl Iterator<Item = u8> {
        path.iter().map(|&byte| if byte == b'/' { 0 } else { byte })
    }
    if !one.contains('\\') && !other.contains('\\') {
        return key(one.as_bytes()).cmp(key(other.as_bytes()));
    }
    let [path, second] = [one, other].map(|path| from_text(path).into_os_string());
    let order = key(path.as_encoded_bytes()).cmp(key(second.as_encoded_bytes()));
    order.then_with(|| one.cmp(other))
}

/// Returns the file in a folder with the path that [`to_text`] wrote. The text is untrusted: `None` if it
/// leads out of the folder.
#[must_use]
pub fn below(folder: &Path, text: &str) -> Option<PathBuf> {
    let path = from_text(text);
    let inside = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    inside.then(|| folder.join(path))
}

#[cfg(unix)]
fn holds_escape(text: &str) -> bool {
    text.as_bytes()
        .windows(4)
        .any(|w| escaped_byte(w).is_some())
}

/// Returns the byte of an escape `\xhh` at the start of `text`, if it is a byte that [`to_text`] escapes.
#[cfg(unix)]
fn escaped_byte(text: &[u8]) -> Option<u8> {
    let [b'\\', b'x', high, low, ..] = *text else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let byte = digit(high)? << 4 | digit(low)?;
    (byte >= 0x80).then_some(byte)
}

#[cfg(unix)]
fn escape(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text += &chunk.valid().replace('\\', "\\\\");
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("writing to a String cannot fail");
        }
    }
    text
}

#[cfg(unix)]
fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    while let Some((&first, rest)) = text.split_first() {
        if text.starts_with(b"\\\\") {
            bytes.push(b'\\');
            text = &text[2..];
        } else if let Some(byte) = escaped_byte(text) {
            bytes.push(byte);
            text = &text[4..];
        } else {
            bytes.push(first);
            text = rest;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn path(bytes: &[u8]) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        std::ffi::OsStr::from_bytes(bytes).into()
    }

    #[test]
    #[cfg(unix)]
    fn paths_are_written_as_documented() {
        let known: [(&[u8], &str); 8] = [
            (b"cat/a b.jpg", "cat/a b.jpg"),
            (b"back\\slash.jpg", "back\\slash.jpg"),
            (b"c:\\xylo.jpg", "c:\\xylo.jpg"),
            (b"low\\x41.jpg", "low\\x41.jpg"),
            ("日本語/é.jpg".as_bytes(), "日本語/é.jpg"),
            (b"caf\xe9/1.jpg", "caf\\xe9/1.jpg"),
            (b"caf\xe9\\1.jpg", "caf\\xe9\\\\1.jpg"),
            (b"caf\\xE9.jpg", "caf\\\\xE9.jpg"),
        ];
        for (bytes, text) in known {
            assert_eq!(to_text(&path(bytes)), text);
            assert_eq!(from_text(text), path(bytes));
        }
    }

    /// A merge finds the rows of one name next to each other only in a total order.
    #[test]
    fn only_equal_texts_are_equal() {
        let texts = [
            "x\\xFF",
            "x\\xff",
            "x\\\\xff",
            "a\\b\\xff",
            "a\\\\b\\xff",
            "x/y",
            "x",
            "x!",
        ];
        for one in texts {
            for other in texts {
                let order = compare(one, other);
                assert_eq!(order.is_eq(), one == other, "{one} {other}");
                assert_eq!(order, compare(other, one).reverse(), "{one} {other}");
            }
        }
        assert!(compare("x/y", "x!").is_lt());
    }

    #[test]
    #[cfg(unix)]
    fn every_short_path_of_awkward_bytes_comes_back() {
        let alphabet = b"\\x8fe9a\xff\xc3\xa9";
        let mut paths: Vec<Vec<u8>> = vec![vec![]];
        for _ in 0..5 {
            paths = paths
                .iter()
                .flat_map(|p| alphabet.iter().map(|&b| [p.as_slice(), &[b]].concat()))
                .collect();
            let texts: std::collections::HashSet<_> = paths
                .iter()
                .map(|bytes| {
                    let text = to_text(&path(bytes));
                    assert_eq!(from_text(&text), path(bytes), "{text}");
                    text
                })
                .collect();
            assert_eq!(texts.len(), paths.len());
        }
    }
}
