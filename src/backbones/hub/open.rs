//! Opens a repository: from the local cache, or on the hub.

use super::cache;
use super::fault::Fault;
use super::model::HubModel;
use super::repository::HubRepository;
use super::requests::Requests;
use super::settings::Hub;
use crate::backbones::DownloadOptions;
use crate::error::{HubProblem, Result};

impl Hub {
    /// Opens a repository: from the cache if all that is needed is there, else from the hub.
    ///
    /// # Errors
    /// [`BackboneError::Hub`](crate::error::BackboneError::Hub).
    pub fn open(&self, model: &HubModel, options: &DownloadOptions) -> Result<HubRepository> {
        self.opened(model, options)
            .map_err(|problem| problem.of(model))
    }

    fn opened(&self, model: &HubModel, options: &DownloadOptions) -> Result<HubRepository, Fault> {
        let snapshot = self
            .cache
            .as_ref()
            .and_then(|cache| cache::find(cache, model));
        if let Some(snapshot) = snapshot {
            let found = HubRepository::cached(self, model, snapshot);
            if self.offline || found.is_sufficient() {
                return Ok(found);
            }
        }
        if self.offline {
            let cache = self.cache.clone().unwrap_or_default();
            return Err(HubProblem::Offline { file: None, cache }.into());
        }
        let requests = Requests::new(self, options);
        let listing = requests.listing(model)?;
        Ok(HubRepository::on_the_hub(self, model, listing))
    }
}
