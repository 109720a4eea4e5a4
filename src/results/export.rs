//! An export as JSON.

use serde::Serialize;

use super::Wording;
use super::parts::SkippedImage;
use crate::ClassIndex;
use crate::images::path_text::to_text;
use crate::tasks::{Agreement, ExportOptions, ExportReport};

/// The result of `export`.
#[derive(Debug, Serialize)]
pub struct ExportJson<'a> {
    output: String,
    layout: String,
    data: Option<String>,
    size_bytes: u64,
    input: String,
    precision: String,
    outputs: &'a [&'static str],
    classes: &'a ClassIndex,
    backbone: &'a str,
    license: Option<&'a str>,
    agreement: &'a Agreement,
    skipped: Vec<SkippedImage<'a>>,
}

impl<'a> ExportJson<'a> {
    /// The result of an export.
    #[must_use]
    pub fn new(report: &'a ExportReport, options: &ExportOptions, worded: Wording) -> Self {
        let skipped = report.skipped.iter();
        Self {
            output: to_text(&options.output),
            layout: options.layout.to_string(),
            data: report.data.as_deref().map(to_text),
            size_bytes: report.bytes,
            input: options.input.to_string(),
            precision: options.precision.to_string(),
            outputs: &report.outputs,
            classes: &report.classes,
            backbone: &report.backbone.name,
            license: report.backbone.license.as_deref(),
            agreement: &report.agreement,
            skipped: skipped
                .map(|skipped| SkippedImage::new(&skipped.path, &skipped.reason, worded))
                .collect(),
        }
    }
}
