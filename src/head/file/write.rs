//! Writes a head file, completely or not at all.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;

use super::checksum;
use super::contents::{FOLDS, HELD_OUT, LOGITS, TRAINING};
use super::head_file::{FORMAT, FORMAT_VERSION, HeadFile, LONGEST_HEADER, class_problem};
use crate::error::{HeadError, Result};
use crate::head::linear::LinearHead;
use crate::head::trust::{Rejection, Temperature};
use crate::{outputs, seal};

/// The JSON header. Its fields are in a fixed order, unlike in the hash map of the safetensors crate.
#[derive(Serialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, String>,
    #[serde(flatten)]
    tensors: BTreeMap<&'static str, TensorInfo>,
}

impl HeadFile {
    /// Writes a temporary file next to `path`, syncs it, and renames it, so that an older file is unchanged
    /// if anything fails. Follows links, creates missing folders, and treats `-` as standard output.
    ///
    /// # Errors
    /// [`HeadError`] when the head does not have one row for each class, a class name is not valid, a weight
    /// is not finite, the rejection or the out-of-fold predictions have other classes or features, or the
    /// header is too long; [`Error::Io`](crate::Error::Io) when the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        outputs::write_bytes_through(path.as_ref(), &self.encode()?)
    }

    /// Returns the bytes of the file.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    ///
    /// # Panics
    /// Never, since strings and numbers are always JSON.
    pub fn encode(&self) -> Result<Vec<u8>> {
        check(self)?;
        let tensors = tensors(self);
        let header = header(self, &tensors);
        let mut header = serde_json::to_vec(&header).expect("strings and numbers are always JSON");
        header.resize(header.len().next_multiple_of(8), b' ');
        if header.len() > LONGEST_HEADER {
            return Err(HeadError::LongHeader {
                length: header.len(),
                most: LONGEST_HEADER,
            }
            .into());
        }
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.append(&mut header);
        for mut tensor in tensors {
            bytes.append(&mut tensor.bytes);
        }
        checksum::seal(&mut bytes);
        Ok(bytes)
    }
}

/// A tensor to write.
struct Tensor {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn f32<'a>(
        name: &'static str,
        shape: Vec<usize>,
        numbers: impl IntoIterator<Item = &'a f32>,
    ) -> Self {
        let bytes = numbers.into_iter().flat_map(|x| x.to_le_bytes());
        Self {
            name,
            dtype: Dtype::F32,
            shape,
            bytes: bytes.collect(),
        }
    }

    fn i32(name: &'static str, numbers: &[usize]) -> Self {
        let bytes = numbers.iter().flat_map(|&x| (x as i32).to_le_bytes());
        Self {
            name,
            dtype: Dtype::I32,
            shape: vec![numbers.len()],
            bytes: bytes.collect(),
        }
    }
}

/// Returns all tensors, those of 16-bit values last, so that every value is aligned to its size.
fn tensors(file: &HeadFile) -> Vec<Tensor> {
    let (c, d) = (file.head.n_classes(), file.head.n_features());
    let mut tensors = vec![
        Tensor::f32("weight", vec![c, d], file.head.weight()),
        Tensor::f32("bias", vec![c], file.head.bias()),
    ];
    if let Some(kept) = &file.record.out_of_fold {
        let shape = vec![kept.folds.len(), kept.views, c];
        tensors.push(Tensor::f32(LOGITS, shape, &kept.logits));
        tensors.push(Tensor::i32(FOLDS, &kept.folds));
    }
    if let Some(rejection) = &file.rejection {
        tensors.push(Tensor::i32("training_classes", rejection.classes()));
    }
    let sets = [
        (TRAINING, &file.record.training),
        (HELD_OUT, &file.record.held_out),
    ];
    for (name, images) in sets.into_iter().filter(|(_, images)| !images.is_empty()) {
        tensors.push(Tensor {
            name,
            dtype: Dtype::U8,
            shape: vec![images.len(), images.width()],
            bytes: images.rows().to_vec(),
        });
    }
    if let Some(rejection) = &file.rejection {
        let features = rejection.features();
        tensors.push(Tensor {
            name: "training_features",
            dtype: Dtype::F16,
            shape: features.shape().to_vec(),
            bytes: features.iter().flat_map(|x| x.to_le_bytes()).collect(),
        });
    }
    tensors
}

fn check(file: &HeadFile) -> Result<(), HeadError> {
    let (rows, classes) = (file.head.n_classes(), file.classes.len());
    if rows != classes {
        return Err(HeadError::RowsAndClasses { rows, classes });
    }
    if let Some(problem) = class_problem(&file.classes) {
        return Err(HeadError::Classes(problem));
    }
    if !file.head.is_finite() {
        return Err(HeadError::NotFinite);
    }
    if file
        .rejection
        .as_ref()
        .is_some_and(|r| !fits(r, &file.head))
    {
        return Err(HeadError::OtherRejection);
    }
    let mut kept = file.record.out_of_fold.iter();
    if kept.any(|kept| kept.logits.ncols() != rows) {
        return Err(HeadError::OtherPredictions);
    }
    Ok(())
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
