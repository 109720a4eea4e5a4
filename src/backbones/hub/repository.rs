//! A repository that is pinned to a commit.

use std::path::{Path, PathBuf};

use super::cache::Snapshot;
use super::choice::{self, HubFile};
use super::listing::Listing;
use super::model::HubModel;
use super::settings::Hub;
use crate::backbones::PublishedPreprocessing;
use crate::backbones::onnx::read_network;

/// A repository at a commit.
#[derive(Debug, Clone)]
pub struct HubRepository {
    pub(super) hub: Hub,
    pub(super) model: HubModel,
    pub(super) listing: Listing,
    /// The folder of the cache that it is read from.
    pub(super) snapshot: Option<PathBuf>,
}

impl HubRepository {
    pub(super) fn cached(hub: &Hub, model: &HubModel, snapshot: Snapshot) -> Self {
        Self {
            hub: hub.clone(),
            model: model.clone(),
            listing: snapshot.listing,
            snapshot: Some(snapshot.folder),
        }
    }

    pub(super) fn on_the_hub(hub: &Hub, model: &HubModel, listing: Listing) -> Self {
        Self {
            hub: hub.clone(),
            model: model.clone(),
            listing,
            snapshot: None,
        }
    }

    /// Returns whether the files that are here give what the hub would give: the network that was named, or
    /// that is preferred to all others, with the files that it names, such as external weights, and with its
    /// preprocessing. A cache has only the files that some program asked for.
    pub(super) fn is_sufficient(&self) -> bool {
        let chosen = choice::choose(&self.listing.paths(), self.model.file.as_deref());
        let (Ok(HubFile::Network(path)), Some(folder)) = (chosen, &self.snapshot) else {
            return false;
        };
        let file = folder.join(&path);
        let beside = |name: &String| file.with_file_name(name).is_file();
        (self.model.file.is_some() || choice::is_first(&path))
            && matches!(PublishedPreprocessing::inside(folder, &file), Ok(Some(_)))
            && read_network(&file)
                .is_ok_and(|network| network.outline().external_data.iter().all(beside))
    }

    /// Returns the hash of the commit.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.listing.commit
    }

    /// Returns the licence that its model card names.
    #[must_use]
    pub fn license(&self) -> Option<&str> {
        self.listing.license.as_deref()
    }

    /// Returns its present name, if it was renamed.
    #[must_use]
    pub fn renamed(&self) -> Option<&str> {
        let (now, before) = (&self.listing.repository, &self.model.repository);
        (!now.eq_ignore_ascii_case(before)).then_some(now)
    }

    /// Returns the folder of the cache that it is read from, unless it comes from the hub.
    #[must_use]
    pub fn cache(&self) -> Option<&Path> {
        self.snapshot.as_deref()
    }
}
