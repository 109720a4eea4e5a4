//! One row of a label file.

use crate::phrases::shortened;

/// A row of a label file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelRow<'a> {
    /// The line it starts in, or the number of the row in a Parquet file; both from 1.
    pub line: u32,
    /// The path of the image, or its digest in lower-case hex.
    pub key: &'a str,
    /// The label, or why there is none.
    pub verdict: Verdict<'a>,
    /// The probability of the label, if the file has one.
    pub probability: Option<f64>,
}

/// What a row says of its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The image belongs to this class.
    Class(&'a str),
    /// The label is empty, or the image was skipped.
    NoLabel,
    /// A head rejected the image: it is unlike all its classes.
    Unknown,
}

/// A row as it was read.
#[derive(Debug)]
pub(super) struct Raw<'a> {
    pub(super) line: u32,
    pub(super) key: &'a str,
    pub(super) label: &'a str,
    pub(super) status: &'a str,
    pub(super) probability: &'a str,
}

impl<'a> Raw<'a> {
    /// Returns the label, or why there is none. Other programs may have a `status` of their own.
    pub(super) fn verdict(&self) -> Verdict<'a> {
        let is = |word: &str| {
            self.status
                .strip_prefix(word)
                .is_some_and(|rest| rest.starts_with(':'))
        };
        if is("unknown") {
            Verdict::Unknown
        } else if self.label.trim().is_empty() || is("skipped") || is("failed") {
            Verdict::NoLabel
        } else {
            Verdict::Class(self.label)
        }
    }

    /// Returns the probability, or what is wrong with it.
    pub(super) fn probability(&self) -> Result<Option<f64>, String> {
        let text = self.probability.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let probability = text.parse().ok();
        let probability = probability.filter(|p: &f64| (0.0..=1.0).contains(p));
        probability.map(Some).ok_or_else(|| {
            let (line, text) = (self.line, shortened(text));
            format!("the probability in line {line} is `{text}`, not a number from 0 to 1")
        })
    }
}
