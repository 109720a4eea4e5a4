//! Tensors out of the data of a head file, their kind and numbers checked.

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::error::FileProblem;

/// What the header says of the tensors, and their bytes.
pub(super) struct Tensors<'a> {
    metadata: &'a Metadata,
    data: &'a [u8],
}

/// A tensor of a known kind.
pub(super) struct Tensor<'a> {
    pub(super) shape: &'a [usize],
    bytes: &'a [u8],
}

impl<'a> Tensors<'a> {
    pub(super) fn new(metadata: &'a Metadata, data: &'a [u8]) -> Self {
        Self { metadata, data }
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// The tensor of this name, when it holds such numbers along so many axes.
    pub(super) fn of(
        &self,
        name: &str,
        dtype: Dtype,
        dimensions: usize,
    ) -> Result<Tensor<'a>, FileProblem> {
        let problem = |what: String| FileProblem::Damaged(format!("its tensor `{name}` {what}"));
        let info = self
            .metadata
            .info(name)
            .ok_or_else(|| problem("is missing".to_owned()))?;
        if info.dtype != dtype || info.shape.len() != dimensions {
            let what = format!(
                "is {:?} {:?}, not {dtype:?} with {dimensions} axes",
                info.dtype, info.shape
            );
            return Err(problem(what));
        }
        let (start, end) = info.data_offsets;
        Ok(Tensor {
            shape: &info.shape,
            // Its place is not outside of the data: the header's own check rules that out.
            bytes: self.data.get(start..end).unwrap_or_default(),
        })
    }
}

impl Tensor<'_> {
    /// The numbers, each of `SIZE` bytes.
    pub(super) fn numbers<T, const SIZE: usize>(&self, number: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
        let (numbers, _) = self.bytes.as_chunks::<SIZE>();
        numbers.iter().map(|bytes| number(*bytes)).collect()
    }
}

pub(super) fn f32(bytes: [u8; 4]) -> f32 {
    f32::from_le_bytes(bytes)
}

pub(super) fn f16(bytes: [u8; 2]) -> half::f16 {
    half::f16::from_le_bytes(bytes)
}

pub(super) fn i32(bytes: [u8; 4]) -> i32 {
    i32::from_le_bytes(bytes)
}
