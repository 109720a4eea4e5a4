//! Trains a head after every action, and ranks the images by it.

use std::sync::{Arc, PoisonError};

use super::labeller::{Inner, Labeller};
use super::model::{Model, Predictions, Training};
use super::rank::Ranking;
use super::tags::Tags;
use super::vectors::Vectors;
use crate::progress::Progress;

/// What a ranking is computed from.
struct Snapshot {
    edition: u64,
    tags: Tags,
    vectors: Arc<Vectors>,
    alike: Arc<Vec<u32>>,
    clusters: Option<Arc<Vec<Vec<usize>>>>,
    model: Option<Arc<Model>>,
}

/// A ranking with the head behind it.
struct Ranked {
    model: Option<Arc<Model>>,
    predictions: Predictions,
    ranking: Ranking,
}

impl Labeller {
    /// Keeps the groups up to date with the labels until the session ends.
    pub(super) fn keep_ranked(&self) {
        while let Some(snapshot) = self.next_snapshot() {
            let quick = snapshot.quickly();
            let model = self.show(&snapshot, quick);
            let stop = Superseded {
                labeller: self,
                edition: snapshot.edition,
            };
            if let Some(better) = snapshot.thoroughly(model.as_deref(), &stop) {
                self.show(&snapshot, better);
            }
        }
    }

    /// Waits until the labels have changed; `None` if the session ends.
    fn next_snapshot(&self) -> Option<Snapshot> {
        let mut inner = self.lock();
        loop {
            if self.is_stopping() {
                return None;
            }
            if let Some(vectors) = &inner.vectors
                && inner.ranked < inner.edition
            {
                return Some(Snapshot {
                    edition: inner.edition,
                    tags: inner.labelling.history.tags.clone(),
                    vectors: Arc::clone(vectors),
                    alike: Arc::clone(&inner.alike),
                    clusters: inner.clusters.clone(),
                    model: inner.model.clone(),
                });
            }
            let woken = self.wake.wait(inner);
            inner = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Shows a ranking on the page. Returns the head behind it.
    fn show(&self, snapshot: &Snapshot, ranked: Ranked) -> Option<Arc<Model>> {
        let mut inner = self.lock();
        let Inner {
            ranking, revision, ..
        } = &mut *inner;
        let mut new = ranked.ranking;
        new.follow(ranking, *revision + 1);
        *ranking = Arc::new(new);
        inner.model.clone_from(&ranked.model);
        inner.predictions = Arc::new(ranked.predictions);
        inner.ranked = snapshot.edition;
        self.tell(&mut inner);
        self.ranked.notify_all();
        ranked.model
    }
}

impl Snapshot {
    /// Ranks the images by a head that is nearly the best one.
    fn quickly(&self) -> Ranked {
        let training = Training::of(&self.tags, &self.vectors);
        let start = self.model.as_deref();
        let model = Model::approach(&training, &self.vectors, start);
        self.ranked(model.ok().flatten().map(Arc::new))
    }

    /// Ranks the images by the best head, unless the one before is the best, or training is superseded.
    fn thoroughly(&self, start: Option<&Model>, stop: &dyn Progress) -> Option<Ranked> {
        let training = Training::of(&self.tags, &self.vectors);
        let model = Model::fit(&training, &self.vectors, start, stop);
        let model = model.ok().flatten()?;
        (Some(&model) != start).then(|| self.ranked(Some(Arc::new(model))))
    }

    fn ranked(&self, model: Option<Arc<Model>>) -> Ranked {
        let predicted = model.as_ref().map(|model| model.predict(&self.vectors));
        let (tags, vectors) = (&self.tags, &*self.vectors);
        match (predicted, &self.clusters) {
            (Some(Ok(predictions)), _) => Ranked {
                ranking: Ranking::of_predictions(tags, vectors, &predictions, &self.alike),
                predictions,
                model,
            },
            (_, Some(clusters)) => {
                Ranked::without_model(Ranking::of_clusters(tags, vectors, clusters, &self.alike))
            }
            (_, None) => Ranked::without_model(Ranking::of_all(tags.images().len())),
        }
    }
}

impl Ranked {
    fn without_model(ranking: Ranking) -> Self {
        Self {
            model: None,
            predictions: Predictions::default(),
            ranking,
        }
    }
}

/// Stops a fit whose labels have changed.
struct Superseded<'l> {
    labeller: &'l Labeller,
    edition: u64,
}

impl Progress for Superseded<'_> {
    fn begin(&self, _what: &str, _total: u64) {}
    fn advance(&self, _steps: u64) {}
    fn end(&self) {}

    fn is_stopped(&self) -> bool {
        self.labeller.is_stopping() || self.labeller.lock().edition != self.edition
    }
}
