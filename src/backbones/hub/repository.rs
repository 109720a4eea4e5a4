//! A repository that is pinned to a commit.

use std::path::{Path, PathBuf};

use super::cache::Snapshot;
use super::choice::{self, HubFile};
use super::listing::Listing;
use super::model::HubModel;
use super::settings::Hub;
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

    /// Returns whether a network can be made from the files that are here; those that it names, such as
    /// external weights, have to be here too.
    pub(super) fn has_network(&self) -> bool {
        let chosen = choice::choose(&self.listing.paths(), self.model.file.as_deref());
        let (Ok(HubFile::Network(path)), Some(folder)) = (chosen, &self.snapshot) else {
            return false;
        };
        let file = folder.join(path);
        let beside = |name: &String| file.with_file_name(name).is_file();
        read_network(&file).is_ok_and(|network| network.outline().external_data.iter().all(beside))
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
