//! Escapes characters that would control a terminal or are invisible.
//!
//! Names of files, classes and layers are untrusted. A control character in a name could move the cursor,
//! change a terminal's colours or title, or start a line that looks like frostline's own output. A
//! bidirectional control makes `gpj.exe` look like `exe.jpg`. Names that differ only in an invisible
//! character look alike.

use std::io::{self, Write};

/// Escapes control, bidirectional and invisible characters in text, for example as `\n` or `\u{1b}`.
///
/// The zero-width joiner and non-joiner (U+200D, U+200C) and variation selectors are kept, because emoji and
/// several scripts need them. Escaped text is unchanged by a second call; escaping is not reversible.
///
/// ```
/// use frostline::images::path_text::for_terminal;
/// assert_eq!(for_terminal("a\x1b[2Jb"), "a\\u{1b}[2Jb");
/// ```
#[must_use]
pub fn for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut shown, c));
    shown
}

fn push(shown: &mut String, c: char) {
    if c.is_control() || is_bidirectional(c) || is_invisible(c) {
        shown.extend(c.escape_default());
    } else {
        shown.push(c);
    }
}

/// Returns whether a character is the Arabic letter mark, a left-to-right or right-to-left mark, a line or
/// paragraph separator, an embedding, an override or an isolate.
fn is_bidirectional(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
    ) || changes_direction(c)
}

/// Returns whether a character is an embedding, an override, an isolate, or the end of one: what follows is
/// then shown in another order than it is written.
pub(crate) fn changes_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether a character has no width and no use in a name: the soft hyphen, the Mongolian vowel
/// separator, the zero-width space, the word joiner and invisible operators, deprecated format characters,
/// the byte order mark, annotations.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}')
}

/// A writer of machine-readable text (CSV, JSON, HTML) to a terminal. Newlines and tabs are kept, everything
/// else is escaped as by [`for_terminal`], and bytes that are not text are refused.
pub(crate) struct Visible<W: Write> {
    terminal: W,
    /// The first bytes of a character whose remaining bytes have not been written yet.
    rest: Vec<u8>,
}

impl<W: Write> Visible<W> {
    pub(crate) fn new(terminal: W) -> Self {
        Self {
            terminal,
            rest: Vec::new(),
        }
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = std::mem::take(&mut self.rest);
        text.extend(bytes);
        let whole = match std::str::from_utf8(&text) {
            Ok(_) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(not_text()),
        };
        self.rest = text.split_off(whole);
        let text = String::from_utf8(text).map_err(|_| not_text())?;
        self.terminal.write_all(shown(&text)?.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.terminal.flush()
    }
}

fn shown(text: &str) -> io::Result<String> {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => return Err(not_text()),
            '\n' | '\t' => shown.push(c),
            _ => push(&mut shown, c),
        }
    }
    Ok(shown)
}

fn not_text() -> io::Error {
    let text = "binary data is not written to a terminal: redirect the output, or name a file";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_writing_is_kept() {
        for (text, expected) in [
            ("a\nb\r\t\x1b[31m\x7f", "a\\nb\\r\\t\\u{1b}[31m\\u{7f}"),
            ("\u{9b}2J\u{90}", "\\u{9b}2J\\u{90}"),
            ("gpj\u{202e}.exe", "gpj\\u{202e}.exe"),
            ("a\u{200e}\u{200f}\u{61c}", "a\\u{200e}\\u{200f}\\u{61c}"),
            (
                "a\u{2028}\u{2029}\u{2066}\u{2069}",
                "a\\u{2028}\\u{2029}\\u{2066}\\u{2069}",
            ),
            (
                "cat\u{200b}\u{feff}\u{ad}\u{2060}",
                "cat\\u{200b}\\u{feff}\\u{ad}\\u{2060}",
            ),
            ("日本 עברית 🐶\\'", "日本 עברית 🐶\\'"),
            // A family emoji needs the joiner, and Persian the non-joiner.
            (
                "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم",
                "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم",
            ),
        ] {
            assert_eq!(for_terminal(text), expected);
            assert_eq!(for_terminal(expected), expected, "escaping is idempotent");
        }
    }

    #[test]
    fn data_on_a_terminal_keeps_its_lines_alone() {
        let text = "path,label\n\"a\x1b]0;x\x07\",\tb\r\u{202e}é\n";
        let expected = "path,label\n\"a\\u{1b}]0;x\\u{7}\",\tb\\r\\u{202e}é\n";
        // The output is the same however the bytes are split, even within a character.
        for size in 1..text.len() {
            let mut shown = Vec::new();
            let mut out = Visible::new(&mut shown);
            for bytes in text.as_bytes().chunks(size) {
                out.write_all(bytes).unwrap();
            }
            out.flush().unwrap();
            assert_eq!(String::from_utf8(shown).unwrap(), expected);
        }
    }

    #[test]
    fn binary_data_does_not_reach_a_terminal() {
        for bytes in [b"\x89PNG\r\n".as_slice(), b"PAR1\0\0", b"\xff\xfe"] {
            let mut shown = Vec::new();
            let error = Visible::new(&mut shown).write_all(bytes).unwrap_err();
            assert!(error.to_string().contains("binary data"), "{error}");
            assert!(shown.is_empty());
        }
    }
}
