//! Writing a head file: all of it or nothing.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;

use super::{FORMAT, FORMAT_VERSION, HeadFile};
use crate::error::{Error, Result};
use crate::head::{LinearHead, Rejection, Temperature};
use crate::outputs;

/// The JSON header; its fields come in a fixed order, which the safetensors crate's own hash map does not.
#[derive(Serialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, String>,
    weight: TensorInfo,
    bias: TensorInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    training_classes: Option<TensorInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    training_features: Option<TensorInfo>,
}

pub(super) fn write(file: &HeadFile, path: &Path) -> Result<()> {
    outputs::write_bytes_through(path, &encode(file)?)
}

fn encode(file: &HeadFile) -> Result<Vec<u8>> {
    check(file)?;
    let mut header =
        serde_json::to_vec(&header(file)).expect("strings and numbers are always JSON");
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut header);
    let numbers = file.head.weight().into_iter().chain(file.head.bias());
    bytes.extend(numbers.flat_map(|x| x.to_le_bytes()));
    if let Some(rejection) = &file.rejection {
        let classes = rejection.classes().iter().map(|&class| class as i32);
        bytes.extend(classes.flat_map(i32::to_le_bytes));
        bytes.extend(rejection.features().iter().flat_map(|x| x.to_le_bytes()));
    }
    Ok(bytes)
}

fn check(file: &HeadFile) -> Result<()> {
    let (rows, classes) = (file.head.n_classes(), file.classes.len());
    let (problem, hint) = if rows != classes {
        (
            format!("the head has {rows} rows for {classes} classes"),
            "give every class one row",
        )
    } else if !file.head.is_finite() {
        (
            "the head has weights that are not finite".to_owned(),
            "fit it again with a lower --lr",
        )
    } else if !file.rejection.as_ref().is_none_or(|r| fits(r, &file.head)) {
        (
            "the rejection is of other classes or features than the head".to_owned(),
            "fit both on the same images",
        )
    } else {
        return Ok(());
    };
    Err(Error::Input {
        problem,
        hint: hint.to_owned(),
    })
}

fn fits(rejection: &Rejection, head: &LinearHead) -> bool {
    let classes = head.n_classes();
    rejection.features().ncols() == head.n_features()
        && rejection.classes().iter().all(|&class| class < classes)
}

fn header(file: &HeadFile) -> Header {
    let (c, d) = (file.head.n_classes(), file.head.n_features());
    let mut end = 0;
    let mut next = |dtype, shape: Vec<usize>, size: usize| {
        let start = end;
        end += size * shape.iter().product::<usize>();
        TensorInfo {
            dtype,
            shape,
            data_offsets: (start, end),
        }
    };
    let (weight, bias) = (
        next(Dtype::F32, vec![c, d], 4),
        next(Dtype::F32, vec![c], 4),
    );
    let kept = file
        .rejection
        .as_ref()
        .map(|rejection| rejection.classes().len());
    Header {
        metadata: metadata(file),
        weight,
        bias,
        training_classes: kept.map(|m| next(Dtype::I32, vec![m], 4)),
        training_features: kept.map(|m| next(Dtype::F16, vec![m, d], 2)),
    }
}

fn metadata(file: &HeadFile) -> BTreeMap<&'static str, String> {
    let classes = serde_json::to_string(&file.classes).expect("a list of strings is always JSON");
    let mut metadata = BTreeMap::from([
        ("format", FORMAT.to_owned()),
        ("format_version", FORMAT_VERSION.to_string()),
        ("classes", classes),
        ("manifest", file.manifest.to_string()),
        ("params", file.params.to_string()),
        ("metrics", file.metrics.to_string()),
        (
            "created_by",
            concat!("frostline ", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
    ]);
    if file.temperature != Temperature::default() {
        metadata.insert("temperature", file.temperature.value().to_string());
    }
    if let Some(rejection) = &file.rejection {
        let rule = serde_json::to_string(rejection.rule()).expect("numbers are always JSON");
        metadata.insert("rejection", rule);
    }
    metadata
}
