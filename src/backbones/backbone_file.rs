//! A network's file and its SHA-256.

use std::path::PathBuf;

use super::checksum::Checksum;
use super::manifest::BackboneManifest;
use super::onnx::read_network;
use crate::error::{Error, FileKind, FileProblem, Result};

/// A network on disk, with its manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct BackboneFile {
    /// The ONNX file.
    pub path: PathBuf,
    /// What is known of it.
    pub manifest: BackboneManifest,
    /// Whether the manifest was found, or stands for one that is missing.
    pub has_manifest: bool,
}

impl BackboneFile {
    /// SHA-256 of the ONNX file, and with external data of all their sums, in lower-case hex.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] where it is no ONNX file, or has another sum than its manifest says.
    pub fn sha256(&self) -> Result<String> {
        let found = Checksum::of_files(&self.files()?)?;
        match &self.manifest.sha256 {
            Some(wanted) if *wanted != found => Err(Error::File {
                path: self.path.clone(),
                problem: FileProblem::Damaged(format!(
                    "its SHA-256 is {found:.16}…, and its manifest says {wanted:.16}…"
                )),
                kind: FileKind::KnownNetwork,
            }),
            _ => Ok(found),
        }
    }

    /// The ONNX file and then each file of external data.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] where it is no ONNX file.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(read_network(&self.path)?.files()?)
    }
}
