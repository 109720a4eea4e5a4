//! Loads heads, at the start and whenever they change. A head that cannot be loaded leaves the one before it
//! in service.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::app::{App, Told};
use super::events::Event;
use super::gallery::Gallery;
use super::models::{Model, Models};
use super::networks::Network;
use super::source::HeadSource;
use super::watch::heads_in;
use crate::classifier::{Predictor, Tta};
use crate::error::{Error, Result};
use crate::stamp::Stamp;

/// Which heads to load again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Those that have changed since they were loaded or failed to.
    Changed,
    /// Also those that could not be loaded and have not changed.
    All,
}

/// What became of a head.
enum Loaded {
    Unchanged(Arc<Model>),
    New(Arc<Model>),
}

impl App {
    /// Loads the gallery, the heads of the options, and then those in the watched folder.
    ///
    /// # Errors
    /// If a head of the options cannot be loaded; one in the watched folder may be replaced later.
    pub(super) fn load_all(&self) -> Result<()> {
        if let Some(options) = &self.options.gallery {
            let gallery = Gallery::open(options, self.options.images)?;
            self.host.event(&gallery.event());
            let _ = self.gallery.set(Arc::new(gallery));
        }
        let mut models = Models::default();
        for source in &self.options.heads {
            if let Loaded::New(model) = self.load(source, &models, &Models::default())? {
                self.tell_loaded(&model, false);
                models.add(model);
            }
        }
        self.models.store(Arc::new(models));
        if self.options.watch.is_some() {
            self.reload(Again::Changed);
        }
        Ok(())
    }

    /// Loads the heads that have changed. Running requests keep the models that they began with. If the
    /// watched folder cannot be read, as when a disk of the network is away for a moment, nothing changes.
    pub(super) fn reload(&self, again: Again) {
        // One at a time; a second one would load the same heads.
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if again == Again::All {
            failed.clear();
        }
        let Some(sources) = self.sources() else {
            return;
        };
        let old = self.models.load_full();
        let mut models = Models::default();
        for source in sources {
            let before = old.get(&source);
            let key = (source.name.clone(), source.version.clone());
            let stamp = stamp_of(&source.path);
            let loaded = match failed.get(&key) {
                Some(then) if *then == stamp => None,
                _ => Some(self.load(&source, &models, &old)),
            };
            match loaded {
                Some(Ok(Loaded::Unchanged(model))) => models.add(model),
                Some(Ok(Loaded::New(model))) => {
                    failed.remove(&key);
                    self.tell_loaded(&model, before.is_some());
                    models.add(model);
                }
                failure => {
                    if let Some(Err(error)) = failure {
                        self.tell_failed(&source, &error, before.is_some());
                        failed.insert(key, stamp);
                    }
                    if let Some(before) = before {
                        models.add(Arc::clone(before));
                    }
                }
            }
        }
        for gone in old
            .all()
            .filter(|model| models.get(&model.source).is_none())
        {
            let (model, version) = (gone.source.name.clone(), gone.source.version.clone());
            self.host.event(&Event::Removed { model, version });
        }
        self.models.store(Arc::new(models));
    }

    /// Returns the heads to serve, or `None` if the watched folder cannot be read. A head of the options
    /// hides one of the same name and version in the folder; there, the first one hides others. What is new
    /// about this is told.
    fn sources(&self) -> Option<Vec<HeadSource>> {
        let mut sources = self.options.heads.clone();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = self.options.watch.as_deref();
        let found = match watched.map_or(Ok(Vec::new()), heads_in) {
            Ok(found) => found,
            Err(error) => {
                let error = with_causes(&error);
                if told.unreadable.as_ref() != Some(&error) {
                    self.host.event(&Event::FolderNotRead {
                        error: error.clone(),
                    });
                }
                told.unreadable = Some(error);
                return None;
            }
        };
        let mut hidden = BTreeSet::new();
        for found in found {
            if !sources.iter().any(|source| source.id() == found.id()) {
                sources.push(found);
                continue;
            }
            if !told.hidden.contains(&found.path) {
                self.host.event(&Event::Hidden {
                    path: found.path.display().to_string(),
                    model: found.name,
                    version: found.version,
                });
            }
            hidden.insert(found.path);
        }
        *told = Told {
            hidden,
            unreadable: None,
        };
        Some(sources)
    }

    fn load(&self, source: &HeadSource, new: &Models, old: &Models) -> Result<Loaded> {
        // Before the file is read: a write after this changes the stamp, and the head is loaded again.
        let stamp = stamp_of(&source.path);
        if let Some(before) = old.get(source)
            && stamp.is_some()
            && before.stamp == stamp
            && before.source == *source
        {
            return Ok(Loaded::Unchanged(Arc::clone(before)));
        }
        let predictor = Predictor::open(&source.path, Tta::Trained)?;
        let mut running = new.all().chain(old.all()).map(|model| &model.network);
        let running = running.find(|network| network.serves(predictor.spec()));
        let network = if let Some(network) = running {
            Arc::clone(network)
        } else {
            let (options, observer) = (&self.options, self.observer());
            let network = Network::load(predictor.spec(), options, observer, &*self.host)?;
            Arc::new(network)
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
        self.host.event(&Event::NotLoaded {
            model: source.name.clone(),
            version: source.version.clone(),
            error: with_causes(error),
            kept,
        });
    }
}

fn with_causes(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |e| e.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata))
}
