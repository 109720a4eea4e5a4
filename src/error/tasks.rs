//! Why the parts of a task do not fit together.

use std::path::{Path, PathBuf};

use crate::phrases::{counted, in_quotes};

/// Why the parts of a task do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// Features are not those that a head was trained on.
    #[error("the head and {features} do not match: {}", differences.join("; "))]
    OtherFeatures {
        /// Whose features they are.
        features: String,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// A backbone was to be imported under the name of a known one.
    #[error("`{name}` is a known backbone, and `{}` is not its file", file.display())]
    KnownName {
        /// The name.
        name: String,
        /// What was to be imported.
        file: PathBuf,
    },
    /// A backbone was to be imported under the name of an installed one.
    #[error("`{name}` is installed already, with {differs}")]
    InstalledName {
        /// The name.
        name: String,
        /// What differs.
        differs: Difference,
    },
    /// A known backbone's file can be fetched from nowhere.
    #[error("`{name}` cannot be fetched by itself{elsewhere}")]
    NoPlace {
        /// The backbone.
        name: String,
        /// Where it can be had.
        elsewhere: Elsewhere,
    },
    /// A list names no image.
    #[error("the list of images is empty")]
    EmptyList,
    /// Not one image of a preview could be used.
    #[error("none of {} could be used", counted(*.0, "image"))]
    NothingToPreview(usize),
    /// A preview does not fit into the memory.
    #[error(
        "a preview of {} of {} × {} pixels takes {bytes} bytes, more than the limit of {limit}",
        counted(*count, "image"), size.0, size.1
    )]
    LargePreview {
        /// Images.
        count: usize,
        /// Width and height of each.
        size: (u32, u32),
        /// Bytes of all of them.
        bytes: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// Images of a training or validation store have no class.
    #[error("{unlabelled} of the {images} images in `{}` have no class", store.display())]
    Unlabelled {
        /// The store.
        store: PathBuf,
        /// How many have none.
        unlabelled: usize,
        /// How many there are.
        images: usize,
    },
    /// Labels cannot be checked, since images of the inspected store have none.
    #[error("{unlabelled} of the {images} images have no class")]
    NoLabels {
        /// How many have none.
        unlabelled: usize,
        /// How many there are.
        images: usize,
    },
    /// Views are to be drawn from a store that holds one of each image.
    #[error("`{}` holds one view of each image, and `augment` draws one of several", store.display())]
    OneView {
        /// The store.
        store: PathBuf,
    },
    /// Training and validation features are of different backbones or preprocessing.
    #[error(
        "the training features `{}` and the validation features `{}` do not match: {}",
        train.display(),
        validation.display(),
        differences.join("; ")
    )]
    OtherValidation {
        /// The training store.
        train: PathBuf,
        /// The validation store.
        validation: PathBuf,
        /// What differs, the training store's value first.
        differences: Vec<String>,
    },
    /// Inspected features are compared with those of another backbone or preprocessing.
    #[error(
        "the features `{}` and the features `{}` do not match: {}",
        features.display(),
        against.display(),
        differences.join("; ")
    )]
    OtherAgainst {
        /// The inspected store.
        features: PathBuf,
        /// The other one.
        against: PathBuf,
        /// What differs, the inspected store's value first.
        differences: Vec<String>,
    },
    /// Each class has one image, or equal ones alone.
    #[error("no class has two different images, so that none can be held out for validation")]
    NothingToHoldOut,
    /// No validation image has a class of the training set.
    #[error("the validation features `{}` {}", store.display(), classes_only(classes))]
    NothingToValidate {
        /// The validation store.
        store: PathBuf,
        /// The classes that it has; none where it has no samples.
        classes: Vec<String>,
    },
    /// What was asked for cannot be done block by block, and the features do not fit into memory.
    #[error(
        "`{name}` needs all features in memory, which take {} MiB where {} MiB are allowed",
        mib(*needed),
        mib(*allowed)
    )]
    NeedsAllFeatures {
        /// The parameter that asks for it.
        name: &'static str,
        /// Bytes that all features take.
        needed: u64,
        /// Bytes that they may take.
        allowed: u64,
    },
    /// The probabilities of all images do not fit into memory.
    #[error(
        "the probabilities of {} take {} MiB, and {} MiB of memory are free",
        counted(*images, "image"),
        mib(*needed),
        mib(*free)
    )]
    NoRoom {
        /// How many images there are.
        images: usize,
        /// Bytes that their probabilities take.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Images that a head is to be judged on have no class.
    #[error(
        "{} of `{}` {} no class",
        counted(*unlabelled, "image"),
        data.display(),
        if *unlabelled == 1 { "has" } else { "have" }
    )]
    NoClass {
        /// The store or folder.
        data: PathBuf,
        /// How many have none.
        unlabelled: usize,
        /// The head's classes.
        known: Vec<String>,
    },
    /// The head knows none of the classes that it is to be judged on.
    #[error("the head knows none of the classes of `{}`: {}", data.display(), quoted(classes))]
    OtherClasses {
        /// The store or folder.
        data: PathBuf,
        /// Its classes.
        classes: Vec<String>,
        /// The head's classes.
        known: Vec<String>,
    },
    /// No image that a head is to be judged on can be used.
    #[error("`{}` holds no usable image{}", data.display(), as_the_first(first.as_ref()))]
    NothingToJudge {
        /// The store or folder.
        data: PathBuf,
        /// The name of the first image that was skipped, and why it was.
        first: Option<(String, String)>,
        /// The head's classes.
        known: Vec<String>,
    },
    /// No image that labels are to be suggested for can be used.
    #[error("{} holds no usable image{}", place(features.as_deref()), as_the_first(first.as_ref()))]
    NothingToSuggest {
        /// The store; none where images were given, or features without a prediction.
        features: Option<PathBuf>,
        /// The name of the first image that was skipped, and why it was.
        first: Option<(String, String)>,
    },
    /// The head was trained or validated on all images that labels are to be suggested for.
    #[error(
        "the head was trained on all {labelled} usable images of {}, or they were held out for validation",
        place(features.as_deref())
    )]
    AllLabelled {
        /// The store; none where images were given, or features without a prediction.
        features: Option<PathBuf>,
        /// How many they are.
        labelled: usize,
    },
    /// Two heads of different classes cannot be compared.
    #[error(
        "the head `{}` and the head `{}` do not match: {}",
        first.display(),
        second.display(),
        classes_of_one(only_first, only_second)
    )]
    HeadsOfOtherClasses {
        /// One head.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Classes that the first alone has.
        only_first: Vec<String>,
        /// Classes that the second alone has.
        only_second: Vec<String>,
    },
    /// Two heads on different features cannot be compared.
    #[error(
        "the head `{}` and the head `{}` do not match: {}",
        first.display(),
        second.display(),
        differences.join("; ")
    )]
    HeadsOnOtherFeatures {
        /// One head.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// What differs, the first one's value first.
        differences: Vec<String>,
    },
    /// A report is to compare features that are not kept.
    #[error("`train` compares features, and those of a folder of images are not kept")]
    FeaturesNotKept,
    /// An output cannot be written where it is to be.
    #[error(transparent)]
    Output(#[from] OutputProblem),
}

/// What differs between a backbone and an installed one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// The network.
    #[error("another network")]
    Network,
    /// Its weights, which lie in a file of their own.
    #[error("other weights")]
    Weights,
    /// What its manifest says.
    #[error("another layer or other preprocessing")]
    Settings,
}

/// Where to get the file of a known backbone that has no download URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Elsewhere {
    /// Nothing is known of its file.
    #[error("")]
    Unknown,
    /// Its size and SHA-256 are known, and no place.
    #[error("")]
    File,
    /// In a package of Python's.
    #[error(": it comes in the Python package {package}")]
    Package {
        /// The package.
        package: String,
        /// The file in it.
        file: String,
    },
}

/// Why an output cannot be written to its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputProblem {
    /// A terminal shows text alone.
    #[error("the output is a terminal, which cannot show {wanted}")]
    Terminal {
        /// What is to be written, with its article.
        wanted: &'static str,
    },
    /// A file stands in the place of a feature store.
    #[error("`{}` is a file, but a feature store is a folder", store.display())]
    StoreIsFile {
        /// The store that is to be written.
        store: PathBuf,
    },
    /// A file stands in the place of a folder above a feature store.
    #[error(
        "the feature store `{}` cannot be made: `{}` is a file",
        store.display(),
        file.display()
    )]
    StoreBelowFile {
        /// The store that is to be written.
        store: PathBuf,
        /// The file.
        file: PathBuf,
    },
    /// It lies inside a feature store.
    #[error("the output `{}` lies inside the feature store `{}`", output.display(), store.display())]
    InsideStore {
        /// The output.
        output: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// It lies among what is installed.
    #[error(
        "the output `{}` lies inside a folder of FROSTLINE_HOME, `{}`",
        output.display(),
        folder.display()
    )]
    InsideHome {
        /// The output.
        output: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// It would replace what is read.
    #[error("the output `{}` {}", output.display(), same_as(output, input))]
    IsInput {
        /// The output.
        output: PathBuf,
        /// The input, which may have another name.
        input: PathBuf,
    },
    /// It would replace a file of another kind.
    #[error(
        "the output `{}` exists and is {found}; it would be replaced by {wanted}",
        output.display()
    )]
    OtherKind {
        /// The output.
        output: PathBuf,
        /// What is there, with its article.
        found: String,
        /// What is to be written, with its article.
        wanted: &'static str,
    },
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn quoted(names: &[String]) -> String {
    in_quotes(names.iter().map(String::as_str))
}

fn classes_only(classes: &[String]) -> String {
    if classes.is_empty() {
        return "hold no samples".to_owned();
    }
    format!(
        "have no class of the training set, only {}",
        quoted(classes)
    )
}

fn as_the_first(skipped: Option<&(String, String)>) -> String {
    skipped.map_or_else(String::new, |(path, reason)| {
        format!(", as `{path}`: {reason}")
    })
}

fn place(features: Option<&Path>) -> String {
    features.map_or_else(
        || "the input".to_owned(),
        |store| format!("the features `{}`", store.display()),
    )
}

fn classes_of_one(only_first: &[String], only_second: &[String]) -> String {
    let sides = [("first", only_first), ("second", only_second)];
    let sides = sides.into_iter().filter(|(_, classes)| !classes.is_empty());
    let sides = sides
        .map(|(whose, classes)| format!("only the {whose} has the classes {}", quoted(classes)));
    sides.collect::<Vec<_>>().join(", ")
}

fn same_as(output: &Path, input: &Path) -> String {
    if input == output {
        return "is also an input".to_owned();
    }
    format!("is the same file as the input `{}`", input.display())
}
