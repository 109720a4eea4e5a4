//! The computed columns of an answer.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, Float16Builder, Float32Builder, Int32Builder, ListBuilder, StringBuilder,
};
use half::f16;

use crate::features::content::Picture;
use crate::features::dtype::Dtype;
use crate::features::pipeline::Outcome;

/// Collects the computed columns of a batch, row by row.
pub(super) struct Results {
    digest: BinaryBuilder,
    features: Features,
    width: Int32Builder,
    height: Int32Builder,
    status: StringBuilder,
}

enum Features {
    F32(ListBuilder<Float32Builder>),
    F16(ListBuilder<Float16Builder>),
}

impl Results {
    pub(super) fn new(dtype: Dtype) -> Self {
        Self {
            digest: BinaryBuilder::new(),
            features: match dtype {
                Dtype::F32 => Features::F32(ListBuilder::new(Float32Builder::new())),
                Dtype::F16 => Features::F16(ListBuilder::new(Float16Builder::new())),
            },
            width: Int32Builder::new(),
            height: Int32Builder::new(),
            status: StringBuilder::new(),
        }
    }

    /// Adds a row. Returns whether it has features.
    pub(super) fn push(&mut self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Computed(picture, features) => {
                self.push_row(Some((picture, features)), "ok");
                true
            }
            Outcome::Reused(_) => unreachable!("no features are known"),
            Outcome::Skipped(reason) => {
                self.push_row(None, &format!("skipped: {reason}"));
                false
            }
        }
    }

    /// Adds a row whose image ended the process that tried to use it.
    pub(super) fn push_failed(&mut self, how: &str) {
        self.push_row(None, &format!("failed: the worker process {how}"));
    }

    fn push_row(&mut self, used: Option<(&Picture, &[f32])>, status: &str) {
        self.digest
            .append_option(used.map(|(picture, _)| picture.digest.0));
        let features = used.map(|(_, features)| features);
        match &mut self.features {
            Features::F32(lists) => {
                lists.values().append_slice(features.unwrap_or_default());
                lists.append(features.is_some());
            }
            Features::F16(lists) => {
                let rounded = features.into_iter().flatten().map(|&x| f16::from_f32(x));
                rounded.for_each(|value| lists.values().append_value(value));
                lists.append(features.is_some());
            }
        }
        let side = |side: fn((u32, u32)) -> u32| {
            used.and_then(|(picture, _)| i32::try_from(side(picture.size)).ok())
        };
        self.width.append_option(side(|(width, _)| width));
        self.height.append_option(side(|(_, height)| height));
        self.status.append_value(status);
    }

    /// Returns the columns in the order of the schema.
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.digest.finish()),
            match &mut self.features {
                Features::F32(lists) => Arc::new(lists.finish()),
                Features::F16(lists) => Arc::new(lists.finish()),
            },
            Arc::new(self.width.finish()),
            Arc::new(self.height.finish()),
            Arc::new(self.status.finish()),
        ]
    }
}
