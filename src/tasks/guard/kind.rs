//! The kind of an existing file, and whether an output of another kind may replace it.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::backbones::Bundle;
use crate::backbones::onnx::export::PRODUCER;
use crate::backbones::sniff::{self, Kind};
use crate::error::OutputProblem;
use crate::head::HeadFile;
use crate::images::{self, Format, SkipReason};
use crate::inputs::{self, Links};

/// The kind of file that an output will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// CSV, TSV, a table or other text for people.
    Text,
    /// JSON or JSON Lines.
    Json,
    /// An HTML page.
    Html,
    /// A PNG image.
    Png,
    /// A head file.
    Head,
    /// A bundle of a head and its backbone.
    Bundle,
    /// A network that `export` wrote.
    Network,
    /// A Parquet table.
    Parquet,
    /// A `NumPy` array.
    Npy,
    /// A stream of Arrow record batches.
    ArrowStream,
    /// One of frostline's man pages.
    ManPage,
}

impl Wanted {
    /// Returns whether it is binary, so that a terminal cannot show it.
    pub(super) fn is_binary(self) -> bool {
        match self {
            Self::Text | Self::Json | Self::Html | Self::ManPage => false,
            Self::Png
            | Self::Head
            | Self::Bundle
            | Self::Network
            | Self::Parquet
            | Self::Npy
            | Self::ArrowStream => true,
        }
    }

    /// Returns its name, with the article where it has one.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "JSON",
            Self::Html => "an HTML page",
            Self::Png => "a PNG image",
            Self::Head => "a head",
            Self::Bundle => "a bundle",
            Self::Network => "an exported network",
            Self::Parquet => "a Parquet table",
            Self::Npy => "a NumPy array",
            Self::ArrowStream => "an Arrow stream",
            Self::ManPage => "a man page of frostline",
        }
    }
}

/// How many bytes of a file are inspected.
const START: u64 = 4096;

/// The kind of an existing file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// An empty file, as `mktemp` creates it; anything may replace it.
    Empty,
    /// A kind that frostline writes.
    Output(Wanted),
    /// Any other kind, as a description for messages.
    Other(String),
}

impl Content {
    /// Returns the kind of a regular file; `None` if there is none at `path`.
    pub(super) fn of(path: &Path) -> Option<Self> {
        if !path.is_file() {
            return None;
        }
        let mut start = Vec::new();
        let file = inputs::open(path, Links::Follow);
        let read = file.and_then(|file| file.take(START).read_to_end(&mut start));
        if read.is_err() {
            return Some(Self::Other("a file that cannot be read".to_owned()));
        }
        Some(Self::of_start(&start, || HeadFile::read(path).is_ok()))
    }

    fn of_start(start: &[u8], is_head: impl FnOnce() -> bool) -> Self {
        let other = |words: &str| Self::Other(words.to_owned());
        match sniff::kind(start) {
            Kind::Safetensors if Bundle::is_start(start) => return Self::Output(Wanted::Bundle),
            Kind::Safetensors if is_head() => return Self::Output(Wanted::Head),
            Kind::Safetensors => return other("safetensors"),
            Kind::Onnx if is_export(start) => return Self::Output(Wanted::Network),
            Kind::Onnx => return other("an ONNX network"),
            Kind::Pickle => return other("a pickle, such as PyTorch's weights"),
            _ => {}
        }
        if start.starts_with(b"PAR1") {
            return Self::Output(Wanted::Parquet);
        }
        if is_man_page(start) {
            return Self::Output(Wanted::ManPage);
        }
        match images::sniff(start) {
            Ok(Format::Png) => Self::Output(Wanted::Png),
            Ok(format) | Err(SkipReason::NotBuiltIn(format)) => {
                Self::Other(format!("an image ({format})"))
            }
            Err(SkipReason::Empty) => Self::Empty,
            Err(SkipReason::NotAnImage("a text file")) => Self::Output(Wanted::Text),
            Err(SkipReason::NotAnImage("a JSON file")) => Self::Output(Wanted::Json),
            Err(SkipReason::NotAnImage("an HTML page")) => Self::Output(Wanted::Html),
            Err(SkipReason::NotAnImage("a NumPy array")) => Self::Output(Wanted::Npy),
            Err(SkipReason::NotAnImage(words)) => other(words),
            Err(SkipReason::Unsupported(format)) => Self::Other(format!("an image ({format})")),
            Err(SkipReason::LfsPointer) => other("a Git LFS pointer"),
            Err(_) if is_utf8(start) => Self::Output(Wanted::Text),
            Err(_) => other("a binary file"),
        }
    }

    /// Returns whether it is text or empty, and so cannot be an image.
    pub(super) fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Empty
                | Self::Output(Wanted::Text | Wanted::Json | Wanted::Html | Wanted::ManPage)
        )
    }

    /// Returns an error unless a file of this kind may be replaced by a `wanted` one.
    pub(super) fn refuse_unless(&self, wanted: Wanted, path: &Path) -> Result<(), OutputProblem> {
        let found = match self {
            Self::Empty => return Ok(()),
            Self::Output(kind) if *kind == wanted => return Ok(()),
            Self::Output(kind) => kind.name(),
            Self::Other(words) => words,
        };
        Err(OutputProblem::OtherKind {
            output: path.to_owned(),
            found: found.to_owned(),
            wanted: wanted.name(),
        })
    }
}

/// Refuses an existing entry that is not a regular file. Outputs that the user named may be links, pipes and
/// devices, but a pipe under a name that frostline chose would wait for a reader.
pub(super) fn refuse_special(output: &Path) -> Result<(), OutputProblem> {
    let Ok(there) = fs::symlink_metadata(output) else {
        return Ok(());
    };
    let found = match there.file_type() {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a folder",
        kind if kind.is_symlink() => "a symbolic link",
        _ => "a device, a pipe or a socket",
    };
    let output = output.to_owned();
    Err(OutputProblem::Special { output, found })
}

/// Returns whether it is a man page of frostline: its title is that of the program or of one of its commands.
fn is_man_page(start: &[u8]) -> bool {
    let is_title = |line: &[u8]| {
        let rest = line.strip_prefix(b".TH FROSTLINE");
        rest.is_some_and(|rest| rest.starts_with(b" ") || rest.starts_with(b"-"))
    };
    start.split(|&byte| byte == b'\n').any(is_title)
}

/// Returns whether an ONNX network was written by `export`: the producer comes right after the version of the
/// file format, which takes two bytes.
fn is_export(start: &[u8]) -> bool {
    let producer = start.get(4..).unwrap_or_default();
    producer.starts_with(PRODUCER.as_bytes())
}

/// Returns whether it is UTF-8 without NUL. File names in a table may contain other control characters, which
/// the image sniffer takes for binary data.
fn is_utf8(start: &[u8]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(_) => true,
        // A character cut off at the end of the inspected bytes is not an error.
        Err(error) => error.error_len().is_none(),
    };
    text && !start.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_the_content() {
        let outputs: [(&[u8], Wanted); 15] = [
            (b"path,class\na\x1b[31m\x07.png,cat\n", Wanted::Text),
            (b"path,label\na.png,cat\n", Wanted::Text),
            (b"path\tlabel\na.png\tcat\n", Wanted::Text),
            ("cat  93 %  Ä.png".as_bytes(), Wanted::Text),
            (b"{\"path\": \"a.png\"}\n", Wanted::Json),
            (b"<!DOCTYPE html><html>", Wanted::Html),
            (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", Wanted::Png),
            (b"\x08\x08\x12\x10frostline export\x1a", Wanted::Network),
            (b"PAR1\x15\x04", Wanted::Parquet),
            (b"\x93NUMPY\x01\0", Wanted::Npy),
            (b".ie \\n(.g\n.TH FROSTLINE 1 \"\"\n", Wanted::ManPage),
            (b".TH FROSTLINE-MODELS-PULL 1 \"\"\n", Wanted::ManPage),
            (b".TH FROSTLINES 1\nSee .TH FROSTLINE 1\n", Wanted::Text),
            (b"\x90\0\0\0\0\0\0\0{\"__metadata__\"", Wanted::Head),
            (
                b"\x90\0\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"frostline-bundle\",\"",
                Wanted::Bundle,
            ),
        ];
        for (start, wanted) in outputs {
            assert_eq!(Content::of_start(start, || true), Content::Output(wanted));
        }
        assert_eq!(Content::of_start(b"", || true), Content::Empty);
    }

    #[test]
    fn other_files_are_named() {
        let others: [(&[u8], &str); 7] = [
            (b"\xff\xd8\xff\xe0", "an image (JPEG)"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "an image (HEIC)"),
            (b"\x08\x08\x12\x04onnx", "an ONNX network"),
            (b"\x80\x02}q\0", "a pickle, such as PyTorch's weights"),
            (b"\x90\0\0\0\0\0\0\0{\"weight\"", "safetensors"),
            (b"%PDF-1.7", "a PDF"),
            (b"\x01\0\x03\x04", "a binary file"),
        ];
        for (start, words) in others {
            let found = Content::of_start(start, || false);
            assert_eq!(found, Content::Other(words.to_owned()));
        }
    }

    #[test]
    fn only_the_same_kind_may_be_replaced() {
        let allowed = |content: Content, wanted| content.refuse_unless(wanted, Path::new("a"));
        allowed(Content::Empty, Wanted::Head).unwrap();
        allowed(Content::Output(Wanted::Text), Wanted::Text).unwrap();
        let error = allowed(Content::Output(Wanted::Json), Wanted::Text).unwrap_err();
        let said = "the output `a` already exists and is JSON; it would be replaced by text";
        assert_eq!(error.to_string(), said);
    }
}
