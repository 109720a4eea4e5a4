//! Pulling a known backbone: its file is fetched or taken from a folder, checked, and installed.

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
    /// A name of the registry.
    pub name: String,
    /// Where the file comes from.
    pub from: PullFrom,
    /// The home that it goes to.
    pub home: Home,
    /// How patient the download is, and through which proxies it goes.
    pub download: DownloadOptions,
    /// Whether it may replace another backbone of that name.
    pub overwrite: Overwrite,
}

impl PullOptions {
    /// From the places in its manifest, replacing nothing.
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

/// Where a backbone's file comes from. It is checked in the same way in each case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PullFrom {
    /// The places in its manifest, one after the other.
    #[default]
    Manifest,
    /// This place and no other.
    Url(String),
    /// A file on this machine.
    File(PathBuf),
}

/// A backbone's file that is installed and verified.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Pulled {
    /// What is known of the backbone.
    pub manifest: BackboneManifest,
    /// The file as it came, in the home's downloads.
    pub file: PathBuf,
    /// Whether it had to come.
    pub fetched: Fetched,
    /// The network that was made of it.
    pub network: PathBuf,
    /// What was changed in it.
    pub notes: Vec<ImportNote>,
}

/// Brings a known backbone's file to the home, and installs it; a file that is there already, and right, is
/// not fetched.
///
/// # Errors
/// [`BackboneError`](crate::error::BackboneError) where the name is not known or the file does not come;
/// [`TaskError::NoPlace`] where no place is known for it; [`Error::Parameter`] for a URL that is none;
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

/// Makes a backbone of the checked file: weights of a known architecture are built, a network is cut.
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
        return Ok((import(&options)?, Vec::new()));
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
        "an address that begins with http:// or https://",
    )
}

/// What is said instead where no place is known.
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
