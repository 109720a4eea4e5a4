//! Tasks: one function per command of the program. Tasks never print and never read the command line.
//!
//! | task | input | output |
//! |---|---|---|
//! | [`extract()`] | images | a feature store |
//! | [`worker()`] | images in a stream of record batches | their features, as another stream |
//! | [`fit_head()`] | a feature store | a head file, with its evaluation, calibration and warnings |
//! | [`classify()`] | images and a head | labels and probabilities, image by image |
//! | [`evaluate()`] | labelled images or a store, and one or two heads | metrics with intervals |
//! | [`inspect()`] | one or two feature stores | duplicates, leakage, outliers and probable label errors |
//! | [`suggest()`] | unlabelled images and a head | the images most worth labelling |
//! | [`similar()`] | an image and a feature store | the most similar images, as rows and as an HTML page |
//! | [`drift()`] | new images and a head | whether they are like its training images |
//! | [`preview()`] | images | a contact sheet of what the network sees |
//! | [`report()`] | labelled images and a head | a self-contained HTML page |
//! | [`bundle()`] | a head | the head and its backbone in one file |
//! | [`export()`] | a head | an ONNX network of backbone and head for other programs |
//! | [`import_onnx()`], [`import()`] | an ONNX network, or PyTorch weights | a backbone in `FROSTLINE_HOME` |
//! | [`pull()`] | the name of a known backbone | the backbone in `FROSTLINE_HOME` |
//! | [`pull_hub()`] | a network on the Hugging Face hub | the backbone in `FROSTLINE_HOME` |
//! | [`setup()`] | what is missing in `FROSTLINE_HOME` | ONNX Runtime and a backbone in `FROSTLINE_HOME` |
//! | [`doctor()`] | the installation | a list of findings |
//!
//! A task takes an options struct, built with its `new`, and returns a report as plain data. Long tasks
//! report their progress to a [`Progress`](crate::Progress), which can also ask them to stop.
//!
//! ```no_run
//! use frostline::backbones::Home;
//! use frostline::progress::Silent;
//! use frostline::tasks::{ExtractOptions, FitHeadOptions, Inputs, extract, fit_head};
//!
//! let images = Inputs::Paths(vec!["photos".into()], frostline::images::Names::Extensions);
//! let options = ExtractOptions::new(images, "features".into(), Home::from_env()?);
//! extract(&options, &Silent)?;
//! let options = FitHeadOptions::new("features".into(), "head.safetensors".into());
//! let report = fit_head(&options, &mut |_| {}, &Silent)?;
//! println!("{} training images of {} classes", report.n_train, report.classes.len());
//! # Ok::<(), frostline::Error>(())
//! ```
//!
//! [`pull()`], [`pull_hub()`] and [`setup()`] need the cargo feature `cli`, and [`report()`] and
//! [`similar()`] need `report`; both are enabled by default.

mod apply_labels;
mod bundle;
mod classify;
mod doctor;
mod drift;
mod evaluate;
mod export;
mod extract;
mod fit_head;
mod guard;
mod import;
mod import_onnx;
mod inputs;
mod inspect;
mod install;
mod label_files;
mod labelled_predictions;
mod labelled_tally;
mod laid_labels;
mod memory;
mod only_split;
#[cfg(feature = "cli")]
mod packages;
mod predict_labelled;
mod predictions;
mod preview;
mod provide;
#[cfg(feature = "cli")]
mod pull;
#[cfg(feature = "cli")]
mod pull_hub;
#[cfg(feature = "report")]
mod report;
#[cfg(feature = "cli")]
mod setup;
#[cfg(feature = "report")]
mod similar;
mod split;
mod suggest;
mod training_overlap;
mod worker;

pub use apply_labels::{ApplyLabelsOptions, ApplyLabelsReport, Sorting, apply_labels};
pub use bundle::{BundleOptions, BundleReport, bundle};
pub use classify::{
    Classified, ClassifyOptions, ClassifyReport, Each, SeenImages, classify, classify_unseen,
};
#[doc(hidden)]
pub use classify::{check_threshold, classify_named};
pub use doctor::{Finding, Verdict, doctor};
pub use drift::{DriftOptions, DriftReport, FarImage, drift};
pub use evaluate::{EvaluateOptions, EvaluateReport, evaluate};
pub use export::{
    Agreement, ExportInput, ExportLayout, ExportOptions, ExportOutput, ExportPrecision,
    ExportReport, ExportResize, export,
};
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
pub use import::{ImportOptions, ImportedWeights, Origin, import};
pub use import_onnx::{ImportNote, ImportOnnxOptions, ImportedOnnx, import_onnx};
pub use inputs::{Inputs, Skipped};
#[doc(hidden)]
pub use inspect::TINY_CLASS;
pub use inspect::{
    ClassCount, Contradiction, Duplicates, InspectOptions, InspectReport, InspectedImage,
    LabelReport, Leakage, Leaked, Likeness, NearDuplicates, Outlier, Side, SuspectImage, TrainedOn,
    Unlike, inspect,
};
#[cfg(feature = "serve")]
pub(crate) use inspect::{InspectedLabels, inspect_labelled};
pub use label_files::{LabelChange, LabelDiff, LabelMove, LabelStats, label_diff, label_stats};
pub use labelled_predictions::{Accepted, EvaluationInput, Rejected};
#[doc(hidden)]
pub use labelled_predictions::{LabelledPrediction, LabelledPredictions};
pub use laid_labels::{LabelOptions, LaidLabels};
pub use only_split::OnlySplit;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use packages::{Catalogue, PinnedWheel, Requirement};
#[cfg(feature = "cli")]
pub use packages::{FileOrigin, Python};
#[doc(hidden)]
pub use predict_labelled::predict_labelled;
pub use predictions::HeadOptions;
pub use preview::{PreviewOptions, PreviewReport, preview};
#[doc(hidden)]
pub use provide::{provide, provide_for};
#[cfg(feature = "cli")]
pub use pull::{PullFrom, PullOptions, Pulled, pull};
#[cfg(feature = "cli")]
pub use pull_hub::{PullHubOptions, PulledHub, pull_hub};
#[cfg(feature = "report")]
pub use report::{ReportNote, ReportOptions, ReportSummary, report};
#[cfg(feature = "cli")]
pub use setup::{Gpu, SetupOptions, SetupOutcome, SetupPart, SetupPiece, setup};
#[cfg(feature = "report")]
pub use similar::{SimilarImage, SimilarOptions, SimilarReport, similar};
pub use split::{SPLITS, SplitOptions, SplitReport, split};
pub use suggest::{SuggestOptions, SuggestReport, Suggestion, Unlabelled, suggest};
pub use training_overlap::{Basis, TrainingImages, TrainingOverlap};
pub use worker::{WorkerOptions, worker};
