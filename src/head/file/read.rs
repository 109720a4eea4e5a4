//! Reads a head file, and distinguishes truncated, damaged and newer files from files of other formats.

use std::collections::HashMap;
use std::io::{self, Read, Seek};
use std::path::Path;

use safetensors::tensor::Metadata;

use super::checksum;
use super::contents::{Contents, Tensors};
use super::head_file::{FORMAT, FORMAT_VERSION, HeadFile, LONGEST_HEADER, PREFIX};
use crate::backbones::Bundle;
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::inputs::{self, Links};
use crate::phrases::counted;

/// The largest file in bytes: 20,000 classes of 8192 features, with everything that a head can store, take
/// half of it.
const LIMIT: u64 = 2 << 30;

impl HeadFile {
    /// Reads a file written by [`write`](Self::write), or the head of a bundle.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read; [`Error::File`] when it is truncated (with the sizes), of
    /// another format (with what it looks like), of a newer version, or damaged (with what is wrong).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Ok(OpenedHead::at(path.as_ref())?.head)
    }

    /// Decodes the bytes of a head file.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileProblem> {
        let header = header_length(bytes, bytes.len() as u64)?;
        let (header, data) = bytes[PREFIX..].split_at(header);
        // The format is checked first, so that a file of another format is not reported as damaged.
        let metadata = parse_header(header)?;
        let strings = metadata.metadata().clone().unwrap_or_default();
        let version = check_format(&strings)?;
        let wanted = (PREFIX + header.len()).saturating_add(metadata.data_len());
        check_size(bytes.len(), wanted)?;
        checksum::check(bytes, version, strings.get(checksum::KEY))?;
        let tensors = Tensors::new(&metadata, data);
        Contents { strings, tensors }.assemble()
    }
}

/// A head with the bytes that it was read from.
#[derive(Debug)]
pub(crate) struct OpenedHead {
    pub(crate) head: HeadFile,
    /// The head file's bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether the head was read from a bundle.
    pub(crate) is_bundled: bool,
}

impl OpenedHead {
    /// Opens a head file, or the head of a bundle.
    ///
    /// # Errors
    /// As [`HeadFile::read`].
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let (bytes, kind) = if let Some(bundle) = Bundle::open(path)? {
            (Ok(bundle.head()?), FileKind::Bundle)
        } else {
            let bytes = load(path).map_err(Error::io("read", path))?;
            (bytes, FileKind::Head)
        };
        let is_bundled = kind == FileKind::Bundle;
        let problem = |problem| Error::File {
            path: path.to_owned(),
            kind,
            problem,
        };
        let opened = bytes.and_then(|bytes| {
            Ok(Self {
                head: HeadFile::decode(&bytes)?,
                bytes,
                is_bundled,
            })
        });
        opened.map_err(problem)
    }
}

/// Reads a file if it starts like a head; any other file may be large and is not read completely.
fn load(path: &Path) -> io::Result<Result<Vec<u8>, FileProblem>> {
    let mut file = inputs::open(path, Links::Follow)?;
    let mut start = Vec::new();
    (&file).take(PREFIX as u64 + 1).read_to_end(&mut start)?;
    if let Err(problem) = header_length(&start, file.metadata()?.len()) {
        return Ok(Err(problem));
    }
    file.rewind()?;
    inputs::read_all(file, LIMIT).map(Ok)
}

/// Returns the length of the JSON header of a file of `size` bytes, if the length and the first byte of the
/// header are those of a safetensors file.
fn header_length(start: &[u8], size: u64) -> Result<usize, FileProblem> {
    if start.is_empty() {
        return Err(foreign("an empty file".to_owned()));
    }
    let Some((prefix, rest)) = start.split_first_chunk() else {
        return Err(FileProblem::Cut(format!(
            "it has {}, but a head has at least 8",
            counted(size as usize, "byte")
        )));
    };
    let length = u64::from_le_bytes(*prefix);
    if !(2..=LONGEST_HEADER as u64).contains(&length) || !matches!(rest, [] | [b'{', ..]) {
        let first = &start[..start.len().min(PREFIX + 1)];
        return Err(foreign(kind_of(first)));
    }
    let wanted = PREFIX as u64 + length;
    if size < wanted {
        let problem = format!("it has {size} bytes, but its header alone ends at byte {wanted}");
        return Err(FileProblem::Cut(problem));
    }
    Ok(length as usize)
}

fn parse_header(header: &[u8]) -> Result<Metadata, FileProblem> {
    let problem = |error| FileProblem::Damaged(format!("its header cannot be read ({error})"));
    serde_json::from_slice(header).map_err(problem)
}

/// Returns the format version.
fn check_format(strings: &HashMap<String, String>) -> Result<u64, FileProblem> {
    let format = strings.get("format").map(String::as_str);
    if format != Some(FORMAT) {
        let of = format.map_or_else(String::new, |format| format!(" of format `{format}`"));
        return Err(foreign(format!(
            "a safetensors file{of} without the metadata of a head"
        )));
    }
    let version = strings
        .get("format_version")
        .and_then(|version| version.parse::<u64>().ok());
    match version {
        Some(version @ 1..=FORMAT_VERSION) => Ok(version),
        Some(found) if found > FORMAT_VERSION => Err(FileProblem::Newer {
            found,
            known: FORMAT_VERSION,
        }),
        _ => Err(FileProblem::Damaged(
            "its `format_version` is not a version number".to_owned(),
        )),
    }
}

/// Compares the size of a file with the end of its tensors.
fn check_size(size: usize, wanted: usize) -> Result<(), FileProblem> {
    if size < wanted {
        return Err(FileProblem::Cut(format!("it has {size} of {wanted} bytes")));
    }
    if size > wanted {
        return Err(FileProblem::Damaged(format!(
            "it has {} after its end",
            counted(size - wanted, "byte")
        )));
    }
    Ok(())
}

fn foreign(found: String) -> FileProblem {
    FileProblem::Foreign {
        wanted: "a frostline head",
        found,
    }
}

/// The first bytes of other formats, and a description of each.
const KINDS: [(&[u8], &str); 9] = [
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or another RIFF file"),
    (b"PK\x03\x04", "a zip archive, such as a PyTorch .pth"),
    (b"\x80\x02", "a pickle, such as an older PyTorch .pth"),
    (
        b"ARROW1",
        "an Arrow file, such as a part of a feature store",
    ),
    (b"\x89HDF", "an HDF5 file, such as a Keras .h5"),
    (b"\x93NUMPY", "a NumPy array"),
];

/// Describes what a file looks like, with an article.
fn kind_of(first_bytes: &[u8]) -> String {
    if let Some((_, kind)) = KINDS
        .iter()
        .find(|(magic, _)| first_bytes.starts_with(magic))
    {
        return (*kind).to_owned();
    }
    let text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if first_bytes.iter().all(text) {
        return format!(
            "a text file that starts with {:?}",
            String::from_utf8_lossy(first_bytes)
        );
    }
    let hex: Vec<_> = first_bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("a file that starts with the bytes {}", hex.join(" "))
}
