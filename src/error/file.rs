//! Files that are not what they should be.

/// What a file was expected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// An ONNX network.
    Network,
    /// A network whose SHA-256 is known from its manifest.
    KnownNetwork,
    /// Weights of `PyTorch`: `.pth` or safetensors.
    Weights,
    /// A state dict of `PyTorch`, and nothing beyond tensors.
    TensorsAlone,
    /// A backbone's manifest.
    BackboneManifest,
    /// A file that is known before it comes.
    Known(Box<KnownFile>),
    /// A head, of which the manifest of its features cannot be used.
    HeadManifest,
    /// The manifest of a feature store.
    StoreManifest,
    /// The index of a feature store.
    StoreIndex,
    /// A part of a feature store.
    StorePart,
    /// A head.
    Head,
    /// A CSV file of class weights.
    ClassWeights,
}

/// A file that is known by its size and SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name, without folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hex.
    pub sha256: String,
}

/// What is wrong with a file: cut, foreign, newer or damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It ends too early.
    #[error("cut off: {0}")]
    Cut(String),
    /// It is something else.
    #[error("not {wanted}: {found}")]
    Foreign {
        /// What was wanted, with its article.
        wanted: &'static str,
        /// What it looks like.
        found: String,
    },
    /// A later frostline wrote it.
    #[error("of format version {found}, newer than {known}, the latest that this frostline reads")]
    Newer {
        /// The version in the file.
        found: u64,
        /// The latest that we read.
        known: u64,
    },
    /// The container is right, its content is not.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It was right when it was read first, and is not any more.
    #[error("damaged: {0}")]
    Changed(&'static str),
}

impl FileProblem {
    /// Whether the file was right once.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Cut(_) | Self::Damaged(_) | Self::Changed(_))
    }
}
