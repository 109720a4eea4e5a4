//! The header of a bundle: its entries, their checksums and the manifest.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Serialize;

use crate::error::FileProblem;
use crate::phrases::counted;
use crate::seal;

pub(super) const FORMAT: &str = "frostline-bundle";
pub(super) const FORMAT_VERSION: u64 = 1;

/// The entry of the head.
pub(super) const HEAD: &str = "head";
/// The entry of the network.
pub(super) const NETWORK: &str = "network";
/// The prefix of entries of external data.
pub(super) const DATA: &str = "data/";

/// What follows the length field in each bundle.
const MAGIC: &str = r#"{"__metadata__":{"format":"frostline-bundle","#;

/// The size of the header's length field in bytes.
const PREFIX: usize = 8;

/// The longest header in bytes: 1,000 entries need a fifth of it.
pub(super) const LONGEST_HEADER: usize = 1 << 20;

/// The most files of external data.
pub(super) const MOST_DATA: usize = 1000;

/// The longest name of a file of external data in bytes, as in most file systems.
const LONGEST_NAME: usize = 255;

/// The name of an unpacked network.
pub(super) const NETWORK_FILE: &str = "network.onnx";

/// A part of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Where it starts in the file; relative to the end of the header while a bundle is written.
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) sha256: String,
}

/// A verified header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) entries: Vec<Entry>,
    pub(super) manifest: String,
}

/// Returns whether a file that starts with these bytes is a bundle.
pub(super) fn is_start(start: &[u8]) -> bool {
    start
        .get(PREFIX..)
        .is_some_and(|header| header.starts_with(MAGIC.as_bytes()))
}

/// Reads the header from the start of a file; `None` if the file does not start like a bundle.
pub(super) fn read(file: &File) -> io::Result<Option<Result<Header, FileProblem>>> {
    let size = file.metadata()?.len();
    let mut start = Vec::new();
    let mut file = file.take((PREFIX + LONGEST_HEADER) as u64);
    (&mut file)
        .take((PREFIX + MAGIC.len()) as u64)
        .read_to_end(&mut start)?;
    if !is_start(&start) {
        return Ok(None);
    }
    let length = match length(&start, size) {
        Ok(length) => length,
        Err(problem) => return Ok(Some(Err(problem))),
    };
    let rest = (PREFIX + length).saturating_sub(start.len());
    file.take(rest as u64).read_to_end(&mut start)?;
    start.truncate(PREFIX + length);
    Ok(Some(decode(&start, size)))
}

/// Returns the length of the JSON header of a file of `size` bytes.
fn length(start: &[u8], size: u64) -> Result<usize, FileProblem> {
    let field = start.first_chunk().expect("the start has a length field");
    let length = u64::from_le_bytes(*field);
    if length > LONGEST_HEADER as u64 || (length as usize) < MAGIC.len() {
        let problem = format!("its header has {length} bytes; the limit is {LONGEST_HEADER}");
        return Err(FileProblem::Damaged(problem));
    }
    let wanted = PREFIX as u64 + length;
    if size < wanted {
        let problem = format!("it has {size} bytes, but its header alone ends at byte {wanted}");
        return Err(FileProblem::Cut(problem));
    }
    Ok(length as usize)
}

/// Decodes the length field and the header of a file of `size` bytes.
fn decode(bytes: &[u8], size: u64) -> Result<Header, FileProblem> {
    let damaged = |problem: String| Err(FileProblem::Damaged(problem));
    let header: Metadata = match serde_json::from_slice(&bytes[PREFIX.min(bytes.len())..]) {
        Ok(header) => header,
        Err(error) => return damaged(format!("its header cannot be read ({error})")),
    };
    let strings = header.metadata().clone().unwrap_or_default();
    // The version comes first, so that a newer bundle is not reported as damaged.
    check_version(&strings)?;
    let digits = strings.get("checksum").map(String::as_bytes);
    let is_right = place(bytes)
        .is_some_and(|place| bytes.get(place.clone()) == digits && seal::is_right(bytes, place));
    if !is_right {
        return damaged("its header does not match its checksum".to_owned());
    }
    check_size(size, bytes.len() as u64, header.data_len() as u64)?;
    let entries = match entries(&header, &strings, bytes.len() as u64) {
        Ok(entries) => entries,
        Err(problem) => return damaged(problem),
    };
    match strings.get("manifest") {
        Some(manifest) => Ok(Header {
            entries,
            manifest: manifest.clone(),
        }),
        None => damaged("it has no `manifest`".to_owned()),
    }
}

fn check_version(strings: &HashMap<String, String>) -> Result<(), FileProblem> {
    let text = strings.get("format_version");
    match text.and_then(|text| text.parse::<u64>().ok()) {
        Some(FORMAT_VERSION) => Ok(()),
        Some(found) if found > FORMAT_VERSION => Err(FileProblem::Newer {
            found,
            known: FORMAT_VERSION,
        }),
        _ => Err(FileProblem::Damaged(
            "its `format_version` is not a version number".to_owned(),
        )),
    }
}

fn check_size(size: u64, header: u64, data: u64) -> Result<(), FileProblem> {
    let wanted = header.saturating_add(data);
    if size < wanted {
        return Err(FileProblem::Cut(format!("it has {size} of {wanted} bytes")));
    }
    if size > wanted {
        let extra = counted((size - wanted) as usize, "byte");
        let problem = format!("it has {extra} after its end");
        return Err(FileProblem::Damaged(problem));
    }
    Ok(())
}

/// Returns the entries of a file whose data starts at `offset`, or what is wrong with them.
fn entries(
    header: &Metadata,
    strings: &HashMap<String, String>,
    offset: u64,
) -> Result<Vec<Entry>, String> {
    let sums = strings.get("sha256").map_or("", String::as_str);
    let mut sums: HashMap<String, String> =
        serde_json::from_str(sums).map_err(|_| "its `sha256` is not a JSON object of strings")?;
    let names = header.offset_keys();
    let (parts, data) = names.split_at(names.len().min(2));
    if parts != [HEAD, NETWORK] || data.len() > MOST_DATA {
        let all = "its entries are not a head, a network and at most 1000 files of data";
        return Err(all.to_owned());
    }
    let entry = |name: String| {
        if let Some(file) = name.strip_prefix(DATA).or((!is_part(&name)).then_some("")) {
            check_name(file)?;
        }
        let info = header.info(&name).expect("the name is one of the header's");
        if info.dtype != Dtype::U8 || info.shape.len() != 1 {
            return Err(format!("its entry `{name}` is not a list of bytes"));
        }
        let sha256 = sums.remove(&name);
        let (start, end) = info.data_offsets;
        Ok(Entry {
            sha256: sha256.ok_or_else(|| format!("its entry `{name}` has no SHA-256"))?,
            start: offset + start as u64,
            length: (end - start) as u64,
            name,
        })
    };
    names.into_iter().map(entry).collect()
}

fn is_part(name: &str) -> bool {
    name == HEAD || name == NETWORK
}

/// Returns an error unless a file can have this name in a folder, on any system, and is not the network's.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let forbidden = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let usable = (1..=LONGEST_NAME).contains(&name.len())
        && !name.contains(forbidden)
        && !name.ends_with(['.', ' '])
        && !name.eq_ignore_ascii_case(NETWORK_FILE);
    usable
        .then_some(())
        .ok_or_else(|| format!("its entry `{DATA}{name}` is not a plain file name"))
}

/// The JSON header, with its fields in a fixed order.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(rename = "__metadata__")]
    about: About<'a>,
    #[serde(flatten)]
    entries: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct About<'a> {
    format: &'a str,
    format_version: String,
    checksum: &'a str,
    sha256: String,
    manifest: &'a str,
    created_by: &'a str,
}

/// Returns the length field and the header of a bundle.
pub(super) fn encode(entries: &[Entry], manifest: &str) -> Vec<u8> {
    let sums = entries.iter().map(|entry| {
        let sum = serde_json::Value::from(&*entry.sha256);
        (entry.name.clone(), sum)
    });
    let sums: serde_json::Map<_, _> = sums.collect();
    let info = |entry: &Entry| {
        let (start, length) = (entry.start as usize, entry.length as usize);
        let info = TensorInfo {
            dtype: Dtype::U8,
            shape: vec![length],
            data_offsets: (start, start + length),
        };
        let info = serde_json::to_value(info).expect("numbers are always JSON");
        (entry.name.clone(), info)
    };
    let json = Json {
        about: About {
            format: FORMAT,
            format_version: FORMAT_VERSION.to_string(),
            checksum: seal::BLANK,
            sha256: serde_json::Value::Object(sums).to_string(),
            manifest,
            created_by: concat!("frostline ", env!("CARGO_PKG_VERSION")),
        },
        entries: entries.iter().map(info).collect(),
    };
    let mut json = serde_json::to_vec(&json).expect("strings and numbers are always JSON");
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut json);
    let place = place(&bytes).expect("the metadata has the key");
    seal::put(&mut bytes, place);
    bytes
}

/// Returns the position of the checksum digits in the length field and header.
fn place(bytes: &[u8]) -> Option<Range<usize>> {
    let place = seal::place_in_json(bytes.get(PREFIX..)?)?;
    Some(PREFIX + place.start..PREFIX + place.end)
}

/// Corrects the checksum of a file that starts like a bundle.
pub(super) fn reseal(bytes: &mut [u8]) {
    if !is_start(bytes) {
        return;
    }
    let Ok(length) = length(bytes, bytes.len() as u64) else {
        return;
    };
    let header = &mut bytes[..PREFIX + length];
    if let Some(place) = place(header) {
        header[place.clone()].copy_from_slice(seal::BLANK.as_bytes());
        seal::put(header, place);
    }
}
