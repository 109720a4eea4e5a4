//! The training images nearest to each mistake, which show whether it is a look-alike, a wrong label or
//! unlike any training image.

use std::collections::HashMap;
use std::path::Path;

use super::options::ReportOptions;
use super::originals::{Original, Originals};
use super::photos::Shown;
use super::pictures::Place;
use crate::classifier::{Predictor, Tta};
use crate::error::Result;
use crate::features::{Digest, FeatureStore, IndexRow};
use crate::head::{ImageRole, NeighbourSearch, TrainingRecord, UnitRows, approximately};
use crate::images::path_text::for_terminal;
use crate::phrases::counted;
use crate::report::{Neighbour, Picture};

/// The number of neighbours shown for each mistake.
const NEIGHBOURS: usize = 5;

/// A training image on the page, and where it is if that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Near {
    pub(super) picture: Picture,
    pub(super) original: Option<Original>,
    pub(super) digest: Digest,
}

impl Near {
    pub(super) fn place(&mut self) -> Place<'_> {
        (self.original.as_ref(), &mut self.picture.thumbnail)
    }
}

/// Finds the nearest training images of each mistake, by the cosine similarity of their features. Returns
/// these training images, and notes on the training store and on an approximate search.
pub(super) fn training_images(
    shown: &mut [Shown],
    options: &ReportOptions,
    originals: &Originals,
    record: &TrainingRecord,
) -> Result<(Vec<Near>, Vec<String>)> {
    let Some(train) = &options.train else {
        return Ok((Vec::new(), Vec::new()));
    };
    let train = open(train, options)?;
    let mut mistakes: Vec<&mut Shown> = shown.iter_mut().filter(|s| !s.photo.is_right()).collect();
    let queries: Vec<Digest> = mistakes.iter().map(|shown| shown.digest).collect();
    let evaluated = FeatureStore::open(options.evaluated_features()?)?;
    let queries = UnitRows::scaled(evaluated.features(&queries)?);
    let digests: Vec<Digest> = train.index().digests().collect();
    let numbers: Vec<usize> = train.index().used_numbers().collect();
    let known = UnitRows::scaled(train.features(&digests)?);
    let mut album = Album::default();
    let search = NeighbourSearch::among(known, queries.len(), NEIGHBOURS + 1);
    let nearest = search.nearest(&queries, NEIGHBOURS + 1)?;
    for (shown, nearest) in mistakes.iter_mut().zip(nearest) {
        // A mistake that is itself a training image, evaluated out of fold, would be its own neighbour.
        let nearest = nearest.into_iter();
        let others = nearest.filter(|near| digests[near.row] != shown.digest);
        let neighbours = others.take(NEIGHBOURS).map(|near| Neighbour {
            picture: album.place(near.row),
            similarity: f64::from(near.cosine),
        });
        shown.photo.neighbours = neighbours.collect();
    }
    let near = album
        .rows
        .iter()
        .filter_map(|&row| Some((train.index().row(numbers[row])?, digests[row])))
        .map(|(row, digest)| near(&row, digest, originals));
    let what = "the training images nearest to mistakes";
    let notes = search.recall().map(|recall| approximately(what, recall));
    let notes = strangers(record, &train).into_iter().chain(notes);
    Ok((near.collect(), notes.collect()))
}

fn near(row: &IndexRow, digest: Digest, originals: &Originals) -> Near {
    Near {
        picture: Picture {
            path: for_terminal(&row.path),
            class: row.class.clone().unwrap_or_default(),
            thumbnail: None,
            doubted: false,
        },
        original: originals.find(&row.path, digest),
        digest,
    }
}

/// Returns a note if the training store has images that the head was not trained on.
fn strangers(record: &TrainingRecord, store: &FeatureStore) -> Option<String> {
    let known = |digest: &Digest| record.role(&digest.0) == ImageRole::Training;
    let digests = store.index().digests();
    let strangers = digests.filter(|digest| !known(digest)).count();
    (record.is_known() && strangers > 0).then(|| {
        format!(
            "The head was not trained on {} of the store `{}`, shown here as training images.",
            counted(strangers, "image"),
            store.path().display()
        )
    })
}

/// Opens the training store, and checks that its features fit the head.
fn open(train: &Path, options: &ReportOptions) -> Result<FeatureStore> {
    let store = FeatureStore::open(train)?;
    Predictor::open(&options.input.head.path, Tta::None)?.require(
        &store.manifest().spec,
        &format!("the training features `{}`", train.display()),
    )?;
    Ok(store)
}

/// The rows of the training store that are on the page, each once.
#[derive(Default)]
struct Album {
    rows: Vec<usize>,
    places: HashMap<usize, usize>,
}

impl Album {
    fn place(&mut self, row: usize) -> usize {
        *self.places.entry(row).or_insert_with(|| {
            self.rows.push(row);
            self.rows.len() - 1
        })
    }
}
