//! One verb each: what the command line does, as functions that never print.

mod acquaintance;
mod classify;
mod doctor;
mod evaluate;
mod extract;
mod fit_head;
mod guard;
mod import;
mod import_onnx;
mod inputs;
mod inspect;
mod install;
mod judge;
mod memory;
mod predictions;
mod preview;
#[cfg(feature = "cli")]
mod pull;
#[cfg(feature = "cli")]
mod report;
mod suggest;

pub use acquaintance::{Acquaintance, Basis, TrainingImages};
pub use classify::{Classified, ClassifyOptions, ClassifyReport, Each, classify};
#[doc(hidden)]
pub use classify::{check_threshold, classify_named};
pub use doctor::{Finding, Verdict, doctor};
pub use evaluate::{EvaluateOptions, EvaluateReport, evaluate};
#[doc(hidden)]
pub use extract::extract_scan;
pub use extract::{ExtractOptions, ExtractReport, extract};
pub use fit_head::{
    CalibrateOn, Calibration, CalibrationOutcome, Change, CrossValidation, FitHeadOptions,
    FitHeadReport, KeptForRejection, OutOfFoldFigures, Streaming, Validation, fit_head,
};
pub use guard::Overwrite;
#[doc(hidden)]
pub use guard::{OutputGuard, Wanted};
pub use import::{ImportOptions, import};
pub use import_onnx::{ImportNote, ImportOnnxOptions, ImportedOnnx, import_onnx};
pub use inputs::{Inputs, Skipped};
#[doc(hidden)]
pub use inspect::TINY_CLASS;
pub use inspect::{
    ClassCount, Contradiction, Duplicates, InspectOptions, InspectReport, InspectedImage,
    LabelReport, Leakage, Leaked, Likeness, NearDuplicates, Outlier, Side, SuspectImage, TrainedOn,
    Unlike, inspect,
};
pub use judge::{Accepted, JudgeOptions, Rejected};
#[doc(hidden)]
pub use judge::{Judged, JudgedItem, judge};
pub use predictions::HeadOptions;
pub use preview::{PreviewOptions, PreviewReport, preview};
#[cfg(feature = "cli")]
pub use pull::{PullFrom, PullOptions, Pulled, pull};
#[cfg(feature = "cli")]
pub use report::{ReportNote, ReportOptions, ReportSummary, report};
pub use suggest::{SuggestOptions, SuggestReport, Suggestion, Unlabelled, suggest};
