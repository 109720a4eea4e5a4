//! `pull`: downloads a known backbone's file, or uses a local copy, then verifies and installs it.

use std::path::{Path, PathBuf};

use super::guard::Overwrite;
use super::import::{ImportOptions, import, require_file};
use super::import_onnx::{ImportNote, ImportOnnxOptions, import_onnx};
use crate::backbones::{
    BackboneManifest, Download, DownloadOptions, Fetched, Home, KnownFile, Registry, Source,
};
use crate::error::{Elsewhere, Error, Result, TaskError, require};
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
    /// Whether to replace another installed backbone of that name.
    pub overwrite: Overwrite,
}

impl PullOptions {
    /// Downloads from the URLs in the manifest, and replaces nothing.
    #[must_use]
    pub fn new(name: String, home: Home) -> Self {
        Self {
            name,
            from: PullFrom::default(),
            home,
            download: DownloadOptions::default(),
            overwrite: Overwrite::Refuse,
        }
    }
}

/// Where a backbone's file comes from. It is verified in the same way in each case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PullFrom {
    /// The URLs in its manifest, tried in order.
    #[default]
    Manifest,
    /// This URL only.
    Url(String),
    /// A local file.
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
/// [`TaskError::NoPlace`] if no URL is known for it; [`Error::Parameter`] for an invalid URL;
/// [`Error::File`], [`Error::Locked`], [`Error::Io`]; those of [`import`] and [`import_onnx`].
pub fn pull(options: &PullOptions, progress: &dyn Progress) -> Result<Pulled> {
    let manifest = Registry::known_by_name(&options.name)?;
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
    let fetched = fetch(&download, source, options, progress)?;
    let file = download.path();
    let (network, notes) = install(&manifest, &file, options)?;
    Ok(Pulled {
        manifest,
        file,
        fetched,
        network,
        notes,
    })
}

fn fetch(
    download: &Download,
    source: &Source,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<Fetched> {
    match &options.from {
        PullFrom::File(file) => {
            require_file(file)?;
            download.adopt(file)
        }
        PullFrom::Url(url) => {
            check_url(url)?;
            download.fetch(std::slice::from_ref(url), &options.download, progress)
        }
        PullFrom::Manifest => download
            .fetch(&source.urls, &options.download, progress)
            .map_err(|error| without_places(&options.name, source).unwrap_or(error)),
    }
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

/// Returns the error to report instead if no download URL is known.
fn without_places(name: &str, source: &Source) -> Option<Error> {
    if !source.urls.is_empty() {
        return None;
    }
    let elsewhere = match (&source.package, &source.file) {
        (Some(package), Some(file)) => Elsewhere::Package {
            package: package.clone(),
            file: file.clone(),
        },
        _ => Elsewhere::File,
    };
    let name = name.to_owned();
    Some(TaskError::NoPlace { name, elsewhere }.into())
}
