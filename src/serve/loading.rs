//! Loads heads, at the start and whenever they change. A head that cannot be loaded leaves the one before it
//! in service.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::app::App;
use super::events::Event;
use super::models::{Model, Models};
use super::networks::Network;
use super::options::HeadSource;
use crate::classifier::{Predictor, Tta};
use crate::error::{Error, Result};
use crate::stamp::Stamp;

/// What became of a head.
enum Loaded {
    Unchanged(Arc<Model>),
    New(Arc<Model>),
}

impl App {
    /// Loads all heads.
    ///
    /// # Errors
    /// If one of them cannot be loaded.
    pub(super) fn load_all(&self) -> Result<()> {
        let mut models = Models::default();
        for source in &self.options.heads {
            if let Loaded::New(model) = self.load(source, &models, &Models::default())? {
                self.tell_loaded(&model, false);
                models.add(model);
            }
        }
        self.models.store(Arc::new(models));
        Ok(())
    }

    /// Loads the heads that have changed since they were loaded. Running requests keep the models that they
    /// began with.
    pub(super) fn reload(&self) {
        let old = self.models.load_full();
        let mut models = Models::default();
        for source in &self.options.heads {
            let before = old.get(source);
            match self.load(source, &models, &old) {
                Ok(Loaded::Unchanged(model)) => models.add(model),
                Ok(Loaded::New(model)) => {
                    self.tell_loaded(&model, before.is_some());
                    models.add(model);
                }
                Err(error) => {
                    self.tell_failed(source, &error, before.is_some());
                    if let Some(before) = before {
                        models.add(Arc::clone(before));
                    }
                }
            }
        }
        self.models.store(Arc::new(models));
    }

    fn load(&self, source: &HeadSource, new: &Models, old: &Models) -> Result<Loaded> {
        // Before the file is read: a write after this changes the stamp, and the head is loaded again.
        let stamp = stamp_of(&source.path);
        if let Some(before) = old.get(source)
            && stamp.is_some()
            && before.stamp == stamp
        {
            return Ok(Loaded::Unchanged(Arc::clone(before)));
        }
        let predictor = Predictor::open(&source.path, Tta::Trained)?;
        let running = new.all().chain(old.all()).map(|model| &model.network);
        let running = running
            .into_iter()
            .find(|network| network.serves(predictor.spec()));
        let network = match running {
            Some(network) => Arc::clone(network),
            None => Arc::new(Network::load(
                predictor.spec(),
                &self.options,
                self.observer(),
                &*self.host,
            )?),
        };
        Ok(Loaded::New(Arc::new(Model {
            source: source.clone(),
            stamp,
            predictor,
            network,
        })))
    }

    fn tell_loaded(&self, model: &Model, replaced: bool) {
        self.host.event(&Event::Loaded {
            model: model.source.name.clone(),
            version: model.source.version.clone(),
            classes: model.predictor.classes().len(),
            backbone: model.network.spec.backbone.name.clone(),
            replaced,
        });
    }

    fn tell_failed(&self, source: &HeadSource, error: &Error, kept: bool) {
        let causes = std::iter::successors(std::error::Error::source(error), |e| e.source());
        self.host.event(&Event::NotLoaded {
            model: source.name.clone(),
            version: source.version.clone(),
            error: causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")),
            kept,
        });
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata))
}
