//! A network file and its SHA-256.

use std::path::PathBuf;

use super::checksum::Checksum;
use super::manifest::BackboneManifest;
use super::onnx::read_network;
use super::published::PublishedPreprocessing;
use crate::error::{Error, FileKind, FileProblem, Result};

/// A network on disk, with its manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct BackboneFile {
    /// The ONNX file.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: BackboneManifest,
    /// Whether the manifest was read from a file. Otherwise it contains the defaults.
    pub has_manifest: bool,
    /// The preprocessing that was published with it, if it has no manifest.
    pub published: Option<PublishedPreprocessing>,
}

impl BackboneFile {
    /// Returns the SHA-256 of the ONNX file, or with external data that of the sums of all its files, in
    /// lower-case hex.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] if it is not an ONNX file or its sum differs from the manifest's.
    pub fn sha256(&self) -> Result<String> {
        self.accept(Checksum::of_files(&self.files()?)?)
    }

    /// Returns the SHA-256 of the network if it agrees with the manifest's.
    pub(super) fn accept(&self, found: String) -> Result<String> {
        match &self.manifest.sha256 {
            Some(wanted) if *wanted != found => Err(Error::File {
                path: self.path.clone(),
                problem: FileProblem::Damaged(format!(
                    "its SHA-256 is {found:.16}…, but its manifest says {wanted:.16}…"
                )),
                kind: FileKind::KnownNetwork,
            }),
            _ => Ok(found),
        }
    }

    /// Returns the ONNX file, followed by each file of external data.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] if it is not an ONNX file.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(read_network(&self.path)?.files()?)
    }
}
