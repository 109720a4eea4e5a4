//! Files that are truncated, damaged or of another format.

/// The kind of file that was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// An ONNX network.
    Network,
    /// A network whose manifest contains its SHA-256.
    KnownNetwork,
    /// Weights of `PyTorch`: `.pth` or safetensors.
    Weights,
    /// A state dict of `PyTorch` that may contain only tensors.
    TensorsAlone,
    /// A backbone's manifest.
    BackboneManifest,
    /// A preprocessing that was published with a network.
    PublishedPreprocessing,
    /// A file whose size and SHA-256 are known in advance.
    Known(Box<KnownFile>),
    /// A Python wheel.
    Wheel,
    /// A head whose feature manifest cannot be used.
    HeadManifest,
    /// The manifest of a feature store.
    StoreManifest,
    /// The index of a feature store.
    StoreIndex,
    /// A part of a feature store.
    StorePart,
    /// The record in a feature store of which shard it holds.
    StoreShard,
    /// A table of features, in Parquet or Arrow.
    FeatureTable,
    /// A head.
    Head,
    /// A bundle of a head and its backbone.
    Bundle,
    /// The images that earlier runs have classified.
    SeenImages,
    /// A CSV file of class weights.
    ClassWeights,
    /// The journal of a label file.
    LabelJournal,
    /// A file of labels.
    Labels,
    /// A file of splits, which `split` writes.
    Splits,
    /// A table that says which images belong together.
    Groups,
}

/// A file whose size and SHA-256 are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name, without folders.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hex.
    pub sha256: String,
}

/// What is wrong with a file. Messages read as "`path` is {problem}".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// The file ends too early.
    #[error("cut off: {0}")]
    Cut(String),
    /// The file has another format.
    #[error("not {wanted}: {found}")]
    Foreign {
        /// What was expected, with its article.
        wanted: &'static str,
        /// What the file looks like.
        found: String,
    },
    /// A newer frostline wrote the file.
    #[error("in format version {found}, but this frostline reads only versions up to {known}")]
    Newer {
        /// The version in the file.
        found: u64,
        /// The latest version that this frostline reads.
        known: u64,
    },
    /// The format is right but the content is not.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The content is right but can be understood in several ways.
    #[error("ambiguous: {0}")]
    Ambiguous(String),
    /// The file was valid when it was first read and is not any more.
    #[error("damaged: {0}")]
    Changed(&'static str),
}

impl FileProblem {
    /// Returns whether the file was valid once.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Cut(_) | Self::Damaged(_) | Self::Changed(_))
    }
}
