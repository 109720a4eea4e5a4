//! Builds a [`HeadFile`] from the tensors and strings of a file, and checks them.

use std::collections::HashMap;

use half::f16;
use ndarray::{Array1, Array2};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::head_file::{HeadFile, class_problem};
use super::image_set::ImageSet;
use super::training_record::{OutOfFold, TrainingRecord};
use crate::classes::ClassIndex;
use crate::error::FileProblem;
use crate::head::linear::LinearHead;
use crate::head::trust::{Rejection, RejectionRule, Temperature};
use crate::phrases::counted;

pub(super) const TRAINING: &str = "training_digests";
pub(super) const HELD_OUT: &str = "held_out_digests";
pub(super) const LOGITS: &str = "out_of_fold_logits";
pub(super) const FOLDS: &str = "out_of_fold_folds";

/// The contents of a complete file.
pub(super) struct Contents<'a> {
    /// The header's `__metadata__`.
    pub(super) strings: HashMap<String, String>,
    pub(super) tensors: Tensors<'a>,
}

impl Contents<'_> {
    pub(super) fn assemble(&self) -> Result<HeadFile, FileProblem> {
        let classes: ClassIndex = self.json("classes")?;
        if let Some(problem) = class_problem(&classes) {
            return Err(damaged(format!("its `classes` are invalid: {problem}")));
        }
        let head = self.head(classes.len())?;
        Ok(HeadFile {
            manifest: self.opaque("manifest")?,
            params: self.opaque("params")?,
            metrics: self.opaque("metrics")?,
            temperature: self.temperature()?,
            rejection: self.rejection(&head)?,
            record: self.record(classes.len())?,
            head,
            classes,
        })
    }

    /// Reads the layer of C classes.
    fn head(&self, c: usize) -> Result<LinearHead, FileProblem> {
        let weight = self.tensors.of("weight", Dtype::F32, 2)?;
        let bias = self.tensors.of("bias", Dtype::F32, 1)?;
        if weight.shape[0] != c || bias.shape[0] != c {
            let shapes = format!("weight {:?} and bias {:?}", weight.shape, bias.shape);
            return Err(damaged(format!("it has {shapes} for {c} classes")));
        }
        if weight.shape[1] == 0 {
            return Err(damaged("its `weight` has no features"));
        }
        let bias = Array1::from(bias.numbers(f32::from_le_bytes));
        let head = Array2::from_shape_vec((c, weight.shape[1]), weight.numbers(f32::from_le_bytes));
        let head = head
            .ok()
            .and_then(|weight| LinearHead::new(weight, bias).ok());
        let head = head.ok_or_else(|| damaged("its tensors do not match their shapes"))?;
        if head.is_finite() {
            return Ok(head);
        }
        Err(damaged("some of its weights are not finite"))
    }

    /// Reads JSON that this module does not interpret; null if missing.
    fn opaque(&self, key: &str) -> Result<Value, FileProblem> {
        if self.strings.contains_key(key) {
            self.json(key)
        } else {
            Ok(Value::Null)
        }
    }

    fn temperature(&self) -> Result<Temperature, FileProblem> {
        let Some(text) = self.strings.get("temperature") else {
            return Ok(Temperature::default());
        };
        let number = text.parse().ok();
        let temperature = number.and_then(|value| Temperature::new(value).ok());
        let problem = || format!("its `temperature` is {text:?}, not a number from 1e-6 to 1e6");
        temperature.ok_or_else(|| damaged(problem()))
    }

    fn rejection(&self, head: &LinearHead) -> Result<Option<Rejection>, FileProblem> {
        if !self.strings.contains_key("rejection") {
            return Ok(None);
        }
        let misfit = |what: &dyn ToString| {
            damaged(format!(
                "its `rejection` is not valid: {}",
                what.to_string()
            ))
        };
        let rule: RejectionRule = self.json("rejection")?;
        let features = self.tensors.of("training_features", Dtype::F16, 2)?;
        let classes = self.tensors.of("training_classes", Dtype::I32, 1)?;
        let (m, d, wanted) = (features.shape[0], features.shape[1], head.n_features());
        if d != wanted {
            let shape = features.shape;
            return Err(misfit(&format!(
                "training features of shape {shape:?} for {wanted} features"
            )));
        }
        let classes = classes.indices(head.n_classes());
        let classes =
            classes.ok_or_else(|| misfit(&"some training classes are not classes of the head"))?;
        let features = Array2::from_shape_vec((m, d), features.numbers(f16::from_le_bytes));
        let features = features.map_err(|error| misfit(&error))?;
        let rejection = Rejection::new(rule, features, classes);
        rejection.map(Some).map_err(|error| misfit(&error))
    }

    /// Reads the record of the training images of a head of C classes; it is empty if the head stores none.
    fn record(&self, c: usize) -> Result<TrainingRecord, FileProblem> {
        let training = self.images(TRAINING)?;
        let out_of_fold = self.tensors.has(LOGITS);
        let out_of_fold = out_of_fold.then(|| self.out_of_fold(&training, c));
        Ok(TrainingRecord {
            out_of_fold: out_of_fold.transpose()?,
            held_out: self.images(HELD_OUT)?,
            training,
        })
    }

    fn images(&self, name: &str) -> Result<ImageSet, FileProblem> {
        if !self.tensors.has(name) {
            return Ok(ImageSet::default());
        }
        let digests = self.tensors.of(name, Dtype::U8, 2)?;
        let rows = digests.numbers(|[byte]: [u8; 1]| byte);
        let images = ImageSet::from_rows(digests.shape[1], rows);
        images.map_err(|problem| damaged_tensor(name, &problem))
    }

    fn out_of_fold(&self, training: &ImageSet, c: usize) -> Result<OutOfFold, FileProblem> {
        let logits = self.tensors.of(LOGITS, Dtype::F32, 3)?;
        let folds = self.tensors.of(FOLDS, Dtype::I32, 1)?;
        let [images, views, columns] = [0, 1, 2].map(|axis| logits.shape[axis]);
        if (images, columns) != (training.len(), c) || folds.shape != [images] {
            let problem = format!(
                "has shape {:?} with folds {:?} for {} training images and {c} classes",
                logits.shape,
                folds.shape,
                training.len()
            );
            return Err(damaged_tensor(LOGITS, &problem));
        }
        let folds = folds.indices(images);
        let folds = folds.ok_or_else(|| damaged_tensor(FOLDS, "has a fold out of range"))?;
        let shape = (images.saturating_mul(views), columns);
        let logits = Array2::from_shape_vec(shape, logits.numbers(f32::from_le_bytes));
        let logits = logits.map_err(|error| damaged_tensor(LOGITS, &error.to_string()))?;
        let out_of_fold = OutOfFold::from_parts(views, logits, folds);
        out_of_fold.map_err(|problem| damaged_tensor(LOGITS, &problem))
    }

    /// Parses a required string of the header.
    fn json<T: DeserializeOwned>(&self, key: &str) -> Result<T, FileProblem> {
        let text = self.strings.get(key);
        let text = text.ok_or_else(|| damaged(format!("its `{key}` is missing")))?;
        let problem = |error| damaged(format!("its `{key}` cannot be read ({error})"));
        serde_json::from_str(text).map_err(problem)
    }
}

/// The descriptions of the tensors in the header, and their bytes.
pub(super) struct Tensors<'a> {
    metadata: &'a Metadata,
    data: &'a [u8],
}

/// A tensor whose type has been checked.
struct Tensor<'a> {
    shape: &'a [usize],
    bytes: &'a [u8],
}

impl<'a> Tensors<'a> {
    pub(super) fn new(metadata: &'a Metadata, data: &'a [u8]) -> Self {
        Self { metadata, data }
    }

    /// Returns whether there is a tensor of this name.
    fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// Returns the tensor of this name, if it has this type and number of dimensions.
    fn of(&self, name: &str, dtype: Dtype, dimensions: usize) -> Result<Tensor<'a>, FileProblem> {
        let info = self.metadata.info(name);
        let info = info.ok_or_else(|| damaged_tensor(name, "is missing"))?;
        if info.dtype != dtype || info.shape.len() != dimensions {
            let what = format!(
                "is {:?} {:?}, not {dtype:?} with {}",
                info.dtype,
                info.shape,
                counted(dimensions, "dimension")
            );
            return Err(damaged_tensor(name, &what));
        }
        let (start, end) = info.data_offsets;
        Ok(Tensor {
            shape: &info.shape,
            // The tensor is inside the data: parsing the header has checked that.
            bytes: self.data.get(start..end).unwrap_or_default(),
        })
    }
}

impl Tensor<'_> {
    /// Decodes the values, each of `SIZE` bytes.
    fn numbers<T, const SIZE: usize>(&self, number: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
        let (numbers, _) = self.bytes.as_chunks::<SIZE>();
        numbers.iter().map(|bytes| number(*bytes)).collect()
    }

    /// Returns the values of an I32 tensor as indices below `n`, or `None` if one is out of range.
    fn indices(&self, n: usize) -> Option<Vec<usize>> {
        let numbers = self.numbers(i32::from_le_bytes).into_iter();
        let index = |number| usize::try_from(number).ok().filter(|&index| index < n);
        numbers.map(index).collect()
    }
}

fn damaged(problem: impl Into<String>) -> FileProblem {
    FileProblem::Damaged(problem.into())
}

fn damaged_tensor(name: &str, problem: &str) -> FileProblem {
    damaged(format!("its tensor `{name}` {problem}"))
}
