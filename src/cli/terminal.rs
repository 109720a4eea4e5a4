//! All text for people on standard output, on standard error and in text files.
//!
//! Each call writes one line: a line end in the name of a file, class or layer is escaped like every other
//! control character (see [`for_terminal`]), so no name can start a new line or reach the terminal as a
//! command. Several lines are collected in a [`Text`]. Results for programs do not pass through this module:
//! [`outputs`] writes them unchanged, and escapes them only if standard output is a terminal.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::Path;

use frostline::error::Result;
use frostline::images::path_text::for_terminal;
use frostline::outputs;

/// The largest number of characters in a message; the rest is cut off. No path is longer, but a class name in
/// a damaged or hostile file can be.
const LONGEST_TALK: usize = 16_384;

/// Lines for people.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds one line.
    pub(super) fn line(&mut self, line: impl Display) {
        self.0 += &for_terminal(&line.to_string());
        self.0.push('\n');
    }

    /// Adds several lines.
    pub(super) fn lines<T: Display>(&mut self, lines: impl IntoIterator<Item = T>) {
        lines.into_iter().for_each(|line| self.line(line));
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Prints results for people on standard output.
pub(super) fn print(text: &Text) -> Result<()> {
    outputs::write_bytes_through(Path::new("-"), text.as_bytes())
}

/// Returns whether standard output is a terminal.
pub(super) fn shows_results() -> bool {
    stdout().is_terminal()
}

/// Returns whether standard error is a terminal.
pub(super) fn shows_talk() -> bool {
    stderr().is_terminal()
}

/// Prints one line on standard error, after an optional word in bold. A closed standard error is ignored.
pub(super) fn say(word: Option<&'static str>, line: impl Display) {
    let word = word.map_or_else(String::new, |word| bold(word) + " ");
    let line = shown(&line.to_string());
    let _ = writeln!(stderr(), "{word}{line}");
}

fn shown(line: &str) -> String {
    match line.char_indices().nth(LONGEST_TALK) {
        None => for_terminal(line),
        Some((end, _)) => for_terminal(&line[..end]) + "…",
    }
}

fn bold(text: &str) -> String {
    if shows_talk() && wants_colour(|name| std::env::var_os(name)) {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Follows <https://no-color.org> and <https://bixense.com/clicolors>; a dumb terminal shows no escapes.
fn wants_colour(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is = |name: &str, value: &str| variable(name).is_some_and(|found| found == value);
    let no_colour = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_colour && !is("CLICOLOR", "0") && !is("TERM", "dumb")
}

/// Parses the arguments; if they ask for help or the version, or are invalid, prints that and exits.
pub(super) fn parse<T: clap::Parser>(meant: impl FnOnce(clap::Error) -> clap::Error) -> T {
    let args: Vec<OsString> = std::env::args_os().collect();
    T::try_parse_from(&args).unwrap_or_else(|error| meant(echoing::<T>(error, &args)).exit())
}

/// Returns the error with escaped arguments. clap mixes arguments with its own escape sequences, which cannot
/// be separated afterwards, so the escaped arguments are parsed again to get the same error.
fn echoing<T: clap::Parser>(error: clap::Error, args: &[OsString]) -> clap::Error {
    let lossy = args.iter().map(|arg| arg.to_string_lossy());
    let (typed, shown): (Vec<_>, Vec<String>) =
        lossy.map(|arg| (arg.clone(), for_terminal(&arg))).unzip();
    if typed == shown {
        return error;
    }
    match T::try_parse_from(shown) {
        Err(same) if same.kind() == error.kind() => same,
        _ => clap::Error::raw(error.kind(), for_terminal(&error.to_string()) + "\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_left_out_where_the_environment_says_so() {
        let wanted = |name: &'static str, value: &'static str| {
            wants_colour(|asked| (asked == name).then(|| OsString::from(value)))
        };
        assert!(wanted("NO_COLOR", "") && wanted("CLICOLOR", "1") && wanted("TERM", "xterm"));
        assert!(!wanted("NO_COLOR", "1") && !wanted("CLICOLOR", "0") && !wanted("TERM", "dumb"));
    }

    #[test]
    fn a_name_begins_no_line() {
        let mut text = Text::new();
        text.line("class  a\nok  forged\x1b[2K\r\u{200f}");
        text.lines(["b", ""]);
        let expected = "class  a\\nok  forged\\u{1b}[2K\\r\\u{200f}\nb\n\n";
        assert_eq!(text.as_bytes(), expected.as_bytes());
    }

    #[test]
    fn a_line_of_talk_ends() {
        let long = "é".repeat(LONGEST_TALK);
        assert_eq!(shown(&long), long);
        assert_eq!(shown(&(long.clone() + "é")), long + "…");
    }

    #[derive(Debug, clap::Parser)]
    struct Typed {
        #[arg(long, value_parser = clap::value_parser!(u8))]
        number: Option<u8>,
    }

    #[test]
    fn what_was_typed_is_echoed_escaped() {
        let refused = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(Into::into).collect();
            let error = <Typed as clap::Parser>::try_parse_from(&args).unwrap_err();
            let kind = error.kind();
            let error = echoing::<Typed>(error, &args);
            assert_eq!(error.kind(), kind);
            error.render().ansi().to_string()
        };
        for hostile in ["\x1b]0;x\x07", "a\nerror: b", "\u{202e}"] {
            for args in [
                &["x", hostile][..],
                &["x", "--number", hostile],
                &["x", &format!("--{hostile}")],
                &["x", &format!("--number={hostile}")],
                &[hostile, "y"],
            ] {
                let text = refused(args);
                assert!(!text.contains(hostile), "{text:?}");
                assert!(
                    !text.contains('\x07') && !text.contains("\nerror: b"),
                    "{text:?}"
                );
            }
        }
    }
}
