//! Saves the files of a network in the downloads of `FROSTLINE_HOME`.

use std::fs;
use std::path::{Path, PathBuf};

use super::choice::{self, HubFile};
use super::fault::Fault;
use super::listing::Listed;
use super::repository::HubRepository;
use super::requests::Requests;
use crate::backbones::download::{Download, DownloadOptions, Fetched, KnownFile};
use crate::backbones::onnx::read_network;
use crate::backbones::published::{TIMM, TRANSFORMERS};
use crate::backbones::{Architecture, Checksum, Home, PublishedPreprocessing, Source};
use crate::error::{BackboneError, Error, HubProblem, Result};
use crate::inputs::{self, Links};
use crate::outputs;
use crate::progress::Progress;

/// The files that a backbone is made from, saved in the downloads of `FROSTLINE_HOME`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Saved {
    /// The network or weights.
    pub file: PathBuf,
    /// The architecture, if the file contains only weights.
    pub arch: Option<Architecture>,
    /// Whether the file had to be fetched.
    pub fetched: Fetched,
    /// Where it comes from.
    pub source: Source,
    /// The preprocessing that its repository states.
    pub published: Option<PublishedPreprocessing>,
}

/// The size limit of a configuration.
const MOST_BYTES: u64 = 16 << 20;

impl HubRepository {
    /// Saves the network with its external data and its configuration in the downloads of `home`.
    ///
    /// # Errors
    /// [`BackboneError::Hub`]; [`Error::Io`], [`Error::Locked`].
    pub fn save(
        &self,
        home: &Home,
        options: &DownloadOptions,
        progress: &dyn Progress,
    ) -> Result<Saved> {
        let name = self.listing.repository.replace('/', "--");
        let folder = home.downloads().join("hf").join(name);
        let saver = Saver {
            repository: self,
            requests: Requests::new(&self.hub, options),
            folder: folder.join(&self.listing.commit),
            home,
            progress,
        };
        saver.run().map_err(|fault| fault.of(&self.model))
    }
}

struct Saver<'a> {
    repository: &'a HubRepository,
    requests: Requests<'a>,
    folder: PathBuf,
    home: &'a Home,
    progress: &'a dyn Progress,
}

impl Saver<'_> {
    fn run(&self) -> Result<Saved, Fault> {
        let listing = &self.repository.listing;
        let chosen = choice::choose(&listing.paths(), self.repository.model.file.as_deref())?;
        for folder in Path::new(chosen.path()).ancestors().skip(1) {
            for name in [TRANSFORMERS, TIMM] {
                let name = folder.join(name);
                if let Some(listed) = name.to_str().and_then(|name| listing.file(name)) {
                    self.fetch(&listed.path)?;
                }
            }
        }
        let arch = match &chosen {
            HubFile::Network(_) => None,
            HubFile::Weights(_) => Some(self.architecture()?),
        };
        let path = chosen.path();
        let (file, fetched) = self.fetch(path)?;
        if arch.is_none() {
            self.fetch_beside(path, &file)?;
        }
        let source = self.source(path, &file, arch)?;
        Ok(Saved {
            published: PublishedPreprocessing::inside(&self.folder, &file)?,
            file,
            arch,
            fetched,
            source,
        })
    }

    /// Fetches the files that the network's weights are in.
    fn fetch_beside(&self, path: &str, file: &Path) -> Result<(), Fault> {
        let network = read_network(file)?;
        let folder = path.rsplit_once('/').map(|(folder, _)| folder);
        for name in &network.outline().external_data {
            let name = name.trim_start_matches("./");
            let beside = folder.map_or(name.to_owned(), |folder| format!("{folder}/{name}"));
            self.fetch(&beside)?;
        }
        Ok(())
    }

    /// Returns the architecture in timm's configuration, if frostline builds it.
    fn architecture(&self) -> Result<Architecture, Fault> {
        let none = || choice::none(&self.repository.listing.paths());
        let file = self.folder.join(TIMM);
        let text = inputs::read_text(&file, Links::Follow, MOST_BYTES);
        let value: Option<serde_json::Value> =
            text.ok().and_then(|text| serde_json::from_str(&text).ok());
        let value = value.unwrap_or_default();
        let name = value["architecture"].as_str();
        let arch = name.and_then(choice::architecture).ok_or_else(none)?;
        let arguments = value["model_args"].as_object();
        if arguments.is_some_and(|arguments| !arguments.is_empty()) {
            return Err(HubProblem::Variant {
                field: "model_args",
            }
            .into());
        }
        if !matches!(value["global_pool"].as_str(), None | Some("avg")) {
            return Err(HubProblem::Variant {
                field: "global_pool",
            }
            .into());
        }
        Ok(arch)
    }

    /// Saves one file, and returns its path.
    fn fetch(&self, path: &str) -> Result<(PathBuf, Fetched), Fault> {
        let listing = &self.repository.listing;
        let Some(listed) = listing.file(path) else {
            return Err(self.missing(path).into());
        };
        let to = self.folder.join(path);
        let place = to.parent().unwrap_or(&self.folder);
        self.home.make(place)?;
        if let Some(snapshot) = &self.repository.snapshot {
            return self.adopt(listed, &snapshot.join(path), &to);
        }
        let about = self.requests.about(listing, listed)?;
        if let Some(download) = download(&about, &to) {
            return self.transfer(&download, &about);
        }
        let bytes = self.requests.small(listing, &about)?;
        outputs::write_bytes(&to, &bytes)?;
        Ok((to, Fetched::Now))
    }

    fn missing(&self, path: &str) -> HubProblem {
        let (repository, file) = (self.repository, path.to_owned());
        if repository.hub.offline {
            let cache = repository.hub.cache.clone().unwrap_or_default();
            let file = Some(file);
            return HubProblem::Offline { file, cache };
        }
        let files = repository.listing.paths();
        HubProblem::NoFile { file, files }
    }

    /// Copies a file from the cache, with the same checks as for a download.
    fn adopt(&self, listed: &Listed, from: &Path, to: &Path) -> Result<(PathBuf, Fetched), Fault> {
        let listed = match &listed.sha256 {
            Some(_) => listed.clone(),
            None => Listed {
                sha256: Some(Checksum::of_files(&[from.to_owned()])?),
                ..listed.clone()
            },
        };
        match download(&listed, to) {
            Some(download) => match download.adopt(from) {
                Ok(fetched) => Ok((to.to_owned(), fetched)),
                Err(Error::File { problem, .. }) => Err(HubProblem::Cached {
                    file: from.to_owned(),
                    problem: problem.to_string(),
                }
                .into()),
                Err(other) => Err(other.into()),
            },
            None => Err(self.missing(&listed.path).into()),
        }
    }

    fn transfer(&self, download: &Download, file: &Listed) -> Result<(PathBuf, Fetched), Fault> {
        let url = self.requests.url(&self.repository.listing, &file.path);
        match download.fetch(&[url], self.requests.options(), self.progress) {
            Ok(fetched) => Ok((download.path(), fetched)),
            Err(Error::Backbone(BackboneError::Download { failures, kept, .. })) => {
                let file = file.path.clone();
                Err(HubProblem::Transfer {
                    file,
                    failures,
                    kept,
                }
                .into())
            }
            Err(other) => Err(other.into()),
        }
    }

    fn source(&self, path: &str, file: &Path, arch: Option<Architecture>) -> Result<Source, Fault> {
        let listing = &self.repository.listing;
        let bytes = fs::metadata(file).map_err(Error::io("read", file))?.len();
        Ok(Source {
            package: None,
            file: Some(path.to_owned()),
            urls: vec![self.requests.url(listing, path)],
            repository: Some(listing.repository.clone()),
            revision: Some(listing.commit.clone()),
            card: Some(format!(
                "{}/{}",
                self.repository.hub.endpoint, listing.repository
            )),
            arch: arch.map(|arch| arch.to_string()),
            sha256: Checksum::of_files(&[file.to_owned()])?,
            bytes,
        })
    }
}

/// Returns how to get a file whose size and SHA-256 are known.
fn download(file: &Listed, to: &Path) -> Option<Download> {
    let name = to.file_name()?.to_str()?.to_owned();
    Some(Download {
        file: KnownFile {
            name,
            bytes: file.bytes?,
            sha256: file.sha256.clone()?,
        },
        folder: to.parent()?.to_owned(),
    })
}
