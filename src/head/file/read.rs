//! Reading a head file, and saying what is wrong with one that is none.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::path::Path;

use ndarray::{Array1, Array2};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde::de::DeserializeOwned;

use super::tensors::{Tensors, f16, f32, i32};
use super::{
    FORMAT, FORMAT_VERSION, HeadFile, LONGEST_HEADER, PREFIX, checksum, class_problem, kind, record,
};
use crate::classes::ClassIndex;
use crate::error::{Error, FileProblem, Result};
use crate::head::linear::LinearHead;
use crate::head::trust::{Rejection, RejectionRule, Temperature};
use crate::inputs::{self, Links};

/// No head is longer: 20,000 classes of 8192 features, with all that a head may keep, take half of it.
const LIMIT: u64 = 2 << 30;

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
    let head = load(path).and_then(|bytes| Ok(decode(&bytes)?));
    head.map_err(|stop| match stop {
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
        FileProblem::Cut(_) | FileProblem::Damaged(_) => {
            "copy it again, or fit it again with `frostline fit-head`"
        }
        FileProblem::Foreign { .. } => "give the file that `frostline fit-head` wrote",
        FileProblem::Newer { .. } => "use a newer frostline",
    }
}

/// All bytes of a file that begins as a head does: a foreign one may be long, and is not read whole.
fn load(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut file = inputs::open(path, Links::Follow)?;
    let mut start = Vec::new();
    (&file).take(PREFIX as u64 + 1).read_to_end(&mut start)?;
    header_length(&start, file.metadata()?.len())?;
    file.rewind()?;
    Ok(inputs::read_all(file, LIMIT)?)
}

/// What the bytes of a head file hold.
pub(super) fn decode(bytes: &[u8]) -> Result<HeadFile, FileProblem> {
    let header = header_length(bytes, bytes.len() as u64)?;
    let (header, data) = bytes[PREFIX..].split_at(header);
    // Who wrote it comes first: a foreign file is not called damaged.
    let metadata = parse_header(header)?;
    let strings = metadata.metadata().clone().unwrap_or_default();
    let version = check_format(&strings)?;
    let wanted = (PREFIX + header.len()).saturating_add(metadata.data_len());
    check_size(bytes.len(), wanted)?;
    checksum::check(bytes, version, strings.get(checksum::KEY))?;
    assemble(&metadata, &strings, data)
}

/// The length of the JSON header of a file of `size` bytes, if that and the first byte are those of a safetensors file.
fn header_length(start: &[u8], size: u64) -> Result<usize, FileProblem> {
    if start.is_empty() {
        return Err(foreign("an empty file".to_owned()));
    }
    let Some((prefix, rest)) = start.split_first_chunk() else {
        return Err(FileProblem::Cut(format!(
            "it has {size} bytes, a head at least 8"
        )));
    };
    let length = u64::from_le_bytes(*prefix);
    if !(2..=LONGEST_HEADER as u64).contains(&length) || !matches!(rest, [] | [b'{', ..]) {
        let first = &start[..start.len().min(PREFIX + 1)];
        return Err(foreign(kind::of(first)));
    }
    let wanted = PREFIX as u64 + length;
    if size < wanted {
        let problem = format!("it has {size} bytes, its header alone should end at {wanted}");
        return Err(FileProblem::Cut(problem));
    }
    Ok(length as usize)
}

fn parse_header(header: &[u8]) -> Result<Metadata, FileProblem> {
    let problem = |error| FileProblem::Damaged(format!("its header cannot be read ({error})"));
    serde_json::from_slice(header).map_err(problem)
}

/// The version of the format.
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
            "its `format_version` is not a version".to_owned(),
        )),
    }
}

fn check_size(size: usize, wanted: usize) -> Result<(), FileProblem> {
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
    if let Some(problem) = class_problem(&classes) {
        return Err(FileProblem::Damaged(format!("in its `classes`, {problem}")));
    }
    let tensors = Tensors::new(metadata, data);
    let (c, weight) = (classes.len(), tensors.of("weight", Dtype::F32, 2)?);
    let bias = tensors.of("bias", Dtype::F32, 1)?;
    if weight.shape[0] != c || bias.shape[0] != c {
        let shapes = format!("weight {:?} and bias {:?}", weight.shape, bias.shape);
        return Err(FileProblem::Damaged(format!(
            "it has {shapes} for {c} classes"
        )));
    }
    if weight.shape[1] == 0 {
        return Err(FileProblem::Damaged(
            "its `weight` is of no feature".to_owned(),
        ));
    }
    let bias = Array1::from(bias.numbers(f32));
    let head = Array2::from_shape_vec((c, weight.shape[1]), weight.numbers(f32))
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
    let rejection = rejection(strings, &tensors, &head)?;
    Ok(HeadFile {
        head,
        classes,
        manifest,
        params,
        metrics: opaque("metrics")?,
        temperature: temperature(strings)?,
        rejection,
        record: record::read(&tensors, c)?,
    })
}

fn temperature(strings: &HashMap<String, String>) -> Result<Temperature, FileProblem> {
    let Some(text) = strings.get("temperature") else {
        return Ok(Temperature::default());
    };
    let number = text.parse().ok();
    number
        .and_then(|value| Temperature::new(value).ok())
        .ok_or_else(|| {
            FileProblem::Damaged(format!(
                "its `temperature` is {text:?}, not a number from 1e-6 to 1e6"
            ))
        })
}

fn rejection(
    strings: &HashMap<String, String>,
    tensors: &Tensors<'_>,
    head: &LinearHead,
) -> Result<Option<Rejection>, FileProblem> {
    let Some(text) = strings.get("rejection") else {
        return Ok(None);
    };
    let rule: RejectionRule = json(Some(text), "rejection")?;
    let features = tensors.of("training_features", Dtype::F16, 2)?;
    let classes = tensors.of("training_classes", Dtype::I32, 1)?;
    let damaged =
        |what: String| FileProblem::Damaged(format!("its `rejection` does not fit: {what}"));
    let (m, d) = (features.shape[0], features.shape[1]);
    if d != head.n_features() {
        let wanted = head.n_features();
        return Err(damaged(format!(
            "training features {:?} for {wanted} features",
            features.shape
        )));
    }
    let known = |class: i32| {
        usize::try_from(class)
            .ok()
            .filter(|&class| class < head.n_classes())
    };
    let classes: Option<Vec<usize>> = classes.numbers(i32).into_iter().map(known).collect();
    let classes = classes
        .ok_or_else(|| damaged("some training classes are none of the head's".to_owned()))?;
    let features = Array2::from_shape_vec((m, d), features.numbers(f16))
        .map_err(|error| damaged(error.to_string()))?;
    let rejection = Rejection::new(rule, features, classes);
    rejection
        .map(Some)
        .map_err(|error| damaged(error.to_string()))
}

fn json<T: DeserializeOwned>(text: Option<&String>, key: &str) -> Result<T, FileProblem> {
    let text = text.ok_or_else(|| FileProblem::Damaged(format!("its `{key}` is missing")))?;
    let problem = |error| FileProblem::Damaged(format!("its `{key}` cannot be read ({error})"));
    serde_json::from_str(text).map_err(problem)
}

fn foreign(found: String) -> FileProblem {
    FileProblem::Foreign {
        wanted: "a head of frostline",
        found,
    }
}
