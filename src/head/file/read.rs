//! Reading a head file, and saying what is wrong with one that is none.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::de::DeserializeOwned;

use super::{FORMAT, FORMAT_VERSION, HeadFile, kind};
use crate::classes::ClassIndex;
use crate::error::{Error, FileProblem, Result};
use crate::head::LinearHead;

/// Bytes of the header length.
const PREFIX: u64 = 8;
/// The safetensors crate reads no longer header.
const LONGEST_HEADER: u64 = 100_000_000;

/// What stops the reading of a file: the system, or the content.
enum Stop {
    Io(std::io::Error),
    Content(FileProblem),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<FileProblem> for Stop {
    fn from(problem: FileProblem) -> Self {
        Self::Content(problem)
    }
}

pub(super) fn read(path: &Path) -> Result<HeadFile> {
    open_and_read(path).map_err(|stop| match stop {
        Stop::Io(error) => Error::io("read", path)(error),
        Stop::Content(problem) => {
            let hint = hint(&problem).to_owned();
            Error::File {
                path: path.to_owned(),
                problem,
                hint,
            }
        }
    })
}

fn hint(problem: &FileProblem) -> &'static str {
    match problem {
        FileProblem::Cut(_) => "copy it again, or fit it again with `frostline fit-head`",
        FileProblem::Foreign { .. } => "give the file that `frostline fit-head` wrote",
        FileProblem::Newer { .. } => "use a newer frostline",
        FileProblem::Damaged(_) => "fit it again with `frostline fit-head`",
    }
}

fn open_and_read(path: &Path) -> Result<HeadFile, Stop> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let header = read_header(&mut file, size)?;
    let data_start = PREFIX + header.len() as u64;
    // Who wrote it comes first: a foreign file is not called damaged.
    let metadata = parse_header(&header)?;
    let strings = metadata.metadata().clone().unwrap_or_default();
    check_format(&strings)?;
    let wanted = data_start.saturating_add(metadata.data_len() as u64);
    check_size(size, wanted)?;
    let mut data = Vec::new();
    file.take(metadata.data_len() as u64)
        .read_to_end(&mut data)?;
    check_size(data_start + data.len() as u64, wanted)?;
    Ok(assemble(&metadata, &strings, &data)?)
}

/// The JSON header, read only when its length and first byte are those of a safetensors file.
fn read_header(file: &mut File, size: u64) -> Result<Vec<u8>, Stop> {
    let mut start = Vec::new();
    file.take(PREFIX + 1).read_to_end(&mut start)?;
    if start.is_empty() {
        return Err(foreign("an empty file".to_owned()).into());
    }
    let Some((prefix, first)) = start.split_first_chunk() else {
        return Err(FileProblem::Cut(format!("it has {size} bytes, a head at least 8")).into());
    };
    let length = u64::from_le_bytes(*prefix);
    if !(2..=LONGEST_HEADER).contains(&length) || !matches!(first, [] | [b'{']) {
        return Err(foreign(kind::of(&start)).into());
    }
    if size < PREFIX + length {
        let wanted = PREFIX + length;
        let problem = format!("it has {size} bytes, its header alone should end at {wanted}");
        return Err(FileProblem::Cut(problem).into());
    }
    let mut header = first.to_vec();
    file.take(length - first.len() as u64)
        .read_to_end(&mut header)?;
    Ok(header)
}

fn parse_header(header: &[u8]) -> Result<Metadata, FileProblem> {
    let problem = |error| FileProblem::Damaged(format!("its header cannot be read ({error})"));
    serde_json::from_slice(header).map_err(problem)
}

fn check_format(strings: &HashMap<String, String>) -> Result<(), FileProblem> {
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
        Some(1..=FORMAT_VERSION) => Ok(()),
        Some(found) if found > FORMAT_VERSION => Err(FileProblem::Newer {
            found,
            known: FORMAT_VERSION,
        }),
        _ => Err(FileProblem::Damaged(
            "its `format_version` is not a version".to_owned(),
        )),
    }
}

fn check_size(size: u64, wanted: u64) -> Result<(), FileProblem> {
    if size < wanted {
        return Err(FileProblem::Cut(format!("it has {size} of {wanted} bytes")));
    }
    if size > wanted {
        return Err(FileProblem::Damaged(format!(
            "it has {} bytes after its end",
            size - wanted
        )));
    }
    Ok(())
}

fn assemble(
    metadata: &Metadata,
    strings: &HashMap<String, String>,
    data: &[u8],
) -> Result<HeadFile, FileProblem> {
    let classes: ClassIndex = json(strings.get("classes"), "classes")?;
    let (c, weight) = (classes.len(), tensor(metadata, "weight", 2)?);
    let bias = tensor(metadata, "bias", 1)?;
    if weight.shape[0] != c || bias.shape[0] != c {
        let shapes = format!("weight {:?} and bias {:?}", weight.shape, bias.shape);
        return Err(FileProblem::Damaged(format!(
            "it has {shapes} for {c} classes"
        )));
    }
    let bias = Array1::from(numbers(bias, data));
    let head = Array2::from_shape_vec((c, weight.shape[1]), numbers(weight, data))
        .ok()
        .and_then(|weight| LinearHead::new(weight, bias).ok())
        .ok_or_else(|| FileProblem::Damaged("its tensors are not of their shapes".to_owned()))?;
    if !head.is_finite() {
        return Err(FileProblem::Damaged(
            "some of its weights are not finite".to_owned(),
        ));
    }
    let opaque = |key| {
        strings
            .get(key)
            .map_or(Ok(serde_json::Value::Null), |text| json(Some(text), key))
    };
    let (manifest, params) = (opaque("manifest")?, opaque("params")?);
    Ok(HeadFile {
        head,
        classes,
        manifest,
        params,
        metrics: opaque("metrics")?,
    })
}

fn json<T: DeserializeOwned>(text: Option<&String>, key: &str) -> Result<T, FileProblem> {
    let text = text.ok_or_else(|| FileProblem::Damaged(format!("its `{key}` is missing")))?;
    let problem = |error| FileProblem::Damaged(format!("its `{key}` cannot be read ({error})"));
    serde_json::from_str(text).map_err(problem)
}

fn tensor<'a>(
    metadata: &'a Metadata,
    name: &str,
    dimensions: usize,
) -> Result<&'a TensorInfo, FileProblem> {
    let problem = |what: String| FileProblem::Damaged(format!("its tensor `{name}` {what}"));
    let info = metadata
        .info(name)
        .ok_or_else(|| problem("is missing".to_owned()))?;
    if info.dtype != Dtype::F32 || info.shape.len() != dimensions {
        let what = format!(
            "is {:?} {:?}, not F32 with {dimensions} axes",
            info.dtype, info.shape
        );
        return Err(problem(what));
    }
    Ok(info)
}

/// The numbers of a tensor; none where its place is outside of the data, which the header's own check rules out.
fn numbers(info: &TensorInfo, data: &[u8]) -> Vec<f32> {
    let (start, end) = info.data_offsets;
    let (numbers, _) = data.get(start..end).unwrap_or_default().as_chunks::<4>();
    numbers
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

fn foreign(found: String) -> FileProblem {
    FileProblem::Foreign {
        wanted: "a head of frostline",
        found,
    }
}
