//! Writing a head file: all of it or nothing.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;

use super::{FORMAT, FORMAT_VERSION, HeadFile, LONGEST_HEADER, checksum, class_problem, record};
use crate::error::{Error, Result};
use crate::head::linear::LinearHead;
use crate::head::trust::{Rejection, Temperature};
use crate::{outputs, seal};

/// The JSON header; its fields come in a fixed order, which the safetensors crate's own hash map does not.
#[derive(Serialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, String>,
    #[serde(flatten)]
    tensors: BTreeMap<&'static str, TensorInfo>,
}

/// A tensor to be written.
struct Tensor {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

pub(super) fn write(file: &HeadFile, path: &Path) -> Result<()> {
    outputs::write_bytes_through(path, &encode(file)?)
}

pub(super) fn encode(file: &HeadFile) -> Result<Vec<u8>> {
    check(file)?;
    let tensors = tensors(file);
    let mut header =
        serde_json::to_vec(&header(file, &tensors)).expect("strings and numbers are always JSON");
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() > LONGEST_HEADER {
        return Err(too_long(header.len()));
    }
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut header);
    for mut tensor in tensors {
        bytes.append(&mut tensor.bytes);
    }
    checksum::seal(&mut bytes);
    Ok(bytes)
}

fn too_long(length: usize) -> Error {
    Error::Input {
        problem: format!(
            "the names of the classes and the history of the fit take {length} bytes, and a head keeps at most {LONGEST_HEADER}"
        ),
        hint: "fit it with fewer epochs".to_owned(),
    }
}

/// All of them, the numbers of 16 bits last, so that every one begins at a multiple of its size.
fn tensors(file: &HeadFile) -> Vec<Tensor> {
    let (c, d) = (file.head.n_classes(), file.head.n_features());
    let f32s =
        |numbers: &mut dyn Iterator<Item = &f32>| numbers.flat_map(|x| x.to_le_bytes()).collect();
    let i32s = |numbers: &[usize]| {
        let numbers = numbers.iter().map(|&number| number as i32);
        numbers.flat_map(i32::to_le_bytes).collect()
    };
    let tensor = |name, dtype, shape, bytes| Tensor {
        name,
        dtype,
        shape,
        bytes,
    };
    let (weight, bias) = (file.head.weight(), file.head.bias());
    let mut tensors = vec![
        tensor("weight", Dtype::F32, vec![c, d], f32s(&mut weight.iter())),
        tensor("bias", Dtype::F32, vec![c], f32s(&mut bias.iter())),
    ];
    if let Some(kept) = file.record.kept() {
        let (n, logits) = (kept.folds().len(), kept.logits());
        tensors.push(tensor(
            record::LOGITS,
            Dtype::F32,
            vec![n, kept.views(), c],
            f32s(&mut logits.iter()),
        ));
        tensors.push(tensor(
            record::FOLDS,
            Dtype::I32,
            vec![n],
            i32s(kept.folds()),
        ));
    }
    if let Some(rejection) = &file.rejection {
        let classes = rejection.classes();
        tensors.push(tensor(
            "training_classes",
            Dtype::I32,
            vec![classes.len()],
            i32s(classes),
        ));
    }
    let sets = [
        (record::TRAINING, file.record.training()),
        (record::HELD_OUT, file.record.held_out()),
    ];
    for (name, images) in sets.into_iter().filter(|(_, images)| !images.is_empty()) {
        let shape = vec![images.len(), images.width()];
        tensors.push(tensor(name, Dtype::U8, shape, images.rows().to_vec()));
    }
    if let Some(rejection) = &file.rejection {
        let features = rejection.features();
        let bytes = features.iter().flat_map(|x| x.to_le_bytes()).collect();
        tensors.push(tensor(
            "training_features",
            Dtype::F16,
            vec![features.nrows(), d],
            bytes,
        ));
    }
    tensors
}

fn check(file: &HeadFile) -> Result<()> {
    let (rows, classes) = (file.head.n_classes(), file.classes.len());
    let (problem, hint) = if rows != classes {
        (
            format!("the head has {rows} rows for {classes} classes"),
            "give every class one row",
        )
    } else if let Some(problem) = class_problem(&file.classes) {
        (format!("among the classes, {problem}"), "rename the class")
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
    } else if file
        .record
        .kept()
        .is_some_and(|kept| kept.logits().ncols() != rows)
    {
        (
            "the out-of-fold predictions are of other classes than the head".to_owned(),
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

fn header(file: &HeadFile, tensors: &[Tensor]) -> Header {
    let mut end = 0;
    let mut info = |tensor: &Tensor| {
        let start = end;
        end += tensor.bytes.len();
        let info = TensorInfo {
            dtype: tensor.dtype,
            shape: tensor.shape.clone(),
            data_offsets: (start, end),
        };
        (tensor.name, info)
    };
    Header {
        metadata: metadata(file),
        tensors: tensors.iter().map(&mut info).collect(),
    }
}

fn metadata(file: &HeadFile) -> BTreeMap<&'static str, String> {
    let classes = serde_json::to_string(&file.classes).expect("a list of strings is always JSON");
    let mut metadata = BTreeMap::from([
        ("format", FORMAT.to_owned()),
        ("format_version", FORMAT_VERSION.to_string()),
        (checksum::KEY, seal::BLANK.to_owned()),
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
