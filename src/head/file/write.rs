//! Writing a head file: all of it or nothing.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;

use super::{FORMAT, FORMAT_VERSION, HeadFile};
use crate::atomic_file;
use crate::error::{Error, Result};

/// The JSON header; its fields come in a fixed order, which the safetensors crate's own hash map does not.
#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'a str, String>,
    weight: TensorInfo,
    bias: TensorInfo,
}

pub(super) fn write(file: &HeadFile, path: &Path) -> Result<()> {
    atomic_file::write_bytes(path, &encode(file)?)
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
    } else {
        return Ok(());
    };
    Err(Error::Input {
        problem,
        hint: hint.to_owned(),
    })
}

fn header(file: &HeadFile) -> Header<'_> {
    let (c, d) = (file.head.n_classes(), file.head.n_features());
    let end_of_weight = 4 * c * d;
    let tensor = |shape, start, end| TensorInfo {
        dtype: Dtype::F32,
        shape,
        data_offsets: (start, end),
    };
    let classes = serde_json::to_string(&file.classes).expect("a list of strings is always JSON");
    let metadata = BTreeMap::from([
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
    let weight = tensor(vec![c, d], 0, end_of_weight);
    Header {
        metadata,
        weight,
        bias: tensor(vec![c], end_of_weight, end_of_weight + 4 * c),
    }
}
