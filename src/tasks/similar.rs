//! `similar`: the images of a store that are most similar to an image.

use std::path::{Path, PathBuf};
use std::slice::from_ref;

use ndarray::Array2;

use super::report::{Original, Originals, Pictures};
use crate::error::{Result, TaskError};
use crate::features::{Computed, Computing, Digest, FeatureStore, Images, Source};
use crate::head::{NeighbourSearch, UnitRows, approximately};
use crate::images::path_text::{for_terminal, from_text, to_text};
use crate::images::{
    DecodeBudget, Found, Labels, Names, Place, View, is_remote, read, scan_inputs,
};
use crate::outputs;
use crate::phrases::counted;
use crate::progress::Progress;
use crate::report::{Picture, SimilarSheet, render_sheet};

/// The options of [`similar`](crate::tasks::similar()).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SimilarOptions {
    /// The image: a file or URL, or else the name of an image of the store.
    pub image: PathBuf,
    /// The store.
    pub features: PathBuf,
    /// How many images to return at most.
    pub top: usize,
    /// The page to write; `None` for none.
    pub output: Option<PathBuf>,
    /// The images of the store, to show them on the page; `None` for where they were extracted from.
    pub images: Option<PathBuf>,
    /// How the features of an image that is not in the store are computed. Its store is not used.
    pub computing: Computing,
}

impl SimilarOptions {
    /// Returns the 20 most similar images, without a page.
    #[must_use]
    pub fn new(image: PathBuf, features: PathBuf, computing: Computing) -> Self {
        Self {
            image,
            features,
            top: 20,
            output: None,
            images: None,
            computing,
        }
    }
}

/// The images most similar to one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SimilarReport {
    /// The images, most similar first.
    pub similar: Vec<SimilarImage>,
    /// Images that were left out because their bytes are those of the image.
    pub identical: usize,
    /// Images on the page whose files were not found, or have changed.
    pub without_picture: usize,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// An image of the store.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SimilarImage {
    /// The cosine similarity of the features, in [-1, 1].
    pub cosine: f32,
    /// Its path in the index.
    pub path: String,
    /// Its class, if the images have classes.
    pub class: Option<String>,
    digest: Digest,
}

/// The image to compare with.
struct Query {
    name: String,
    class: Option<String>,
    digest: Digest,
    /// (1, D).
    features: Array2<f32>,
    place: Option<Place>,
}

/// Ranks the images of a store by the cosine similarity of their features to those of an image. An image
/// whose features are in the store needs no network.
///
/// # Errors
/// [`TaskError::NoSuchImage`]; an image that cannot be used; a store or a backbone that cannot be; a page
/// that cannot be written.
pub fn similar(options: &SimilarOptions, progress: &dyn Progress) -> Result<SimilarReport> {
    let store = FeatureStore::open(&options.features)?;
    store.require_samples()?;
    let query = Query::of(options, &store, progress)?;
    let digests: Vec<Digest> = store.index().digests().collect();
    let numbers: Vec<usize> = store.index().used_numbers().collect();
    let known = UnitRows::scaled(store.features(&digests)?);
    let identical = digests
        .iter()
        .filter(|&&digest| digest == query.digest)
        .count();
    let search = NeighbourSearch::among(known, 1, options.top + identical);
    let nearest = search.nearest(
        &UnitRows::of(query.features.view()),
        options.top + identical,
    )?;
    let others = nearest.into_iter().flatten();
    let others = others.filter(|near| digests[near.row] != query.digest);
    let image = |near: crate::head::Neighbour| {
        let row = store.index().row(numbers[near.row])?;
        Some(SimilarImage {
            cosine: near.cosine,
            path: row.path,
            class: row.class,
            digest: digests[near.row],
        })
    };
    let similar: Vec<_> = others.take(options.top).filter_map(image).collect();
    let mut report = SimilarReport {
        similar,
        identical,
        without_picture: 0,
        notes: Vec::new(),
    };
    let what = "the most similar images";
    report
        .notes
        .extend(search.recall().map(|recall| approximately(what, recall)));
    if let Some(output) = &options.output {
        report.without_picture = write_sheet(output, options, &store, &query, &report, progress)?;
    }
    Ok(report)
}

impl Query {
    fn of(options: &SimilarOptions, store: &FeatureStore, progress: &dyn Progress) -> Result<Self> {
        let name = to_text(&options.image);
        let named = || store.index().used().find(|(row, _)| row.path == name);
        let is_there = is_remote(&options.image) || options.image.exists();
        if !is_there && let Some((row, digest)) = named() {
            let features = store.features(&[digest])?;
            let (class, place) = (row.class, None);
            return Ok(Self {
                name,
                class,
                digest,
                features,
                place,
            });
        }
        let scan = scan_inputs(from_ref(&options.image), Labels::None, Names::Any, progress);
        let scan = scan.map_err(|error| {
            if is_there {
                return error;
            }
            let (image, store) = (name.clone(), store.path().to_owned());
            TaskError::NoSuchImage { image, store }.into()
        })?;
        let mut entries = scan.entries.iter();
        let (Some(found), None) = (entries.next(), entries.next()) else {
            let n = scan.entries.len();
            return Err(TaskError::NotOneImage { image: name, n }.into());
        };
        let class = None;
        let place = found.sample().place.clone();
        let spec = store.manifest().spec.with_views(&[View::Center]);
        let limits = options.computing.limits;
        if let Found::Sample(_) = &found
            && let Ok(bytes) = read(&place, &limits, &DecodeBudget::default())
            && let digest = Digest::of(&bytes)
            && store.index().digests().any(|known| known == digest)
        {
            let features = store.features(&[digest])?;
            return Ok(Self {
                name,
                class,
                digest,
                features,
                place: Some(place),
            });
        }
        let how = Computing {
            store: None,
            ..options.computing.clone()
        };
        let source = Source::from(Computed::of(Images::of(&scan.entries), &spec, &how)?);
        let mut computed = None;
        source.each(&spec.views, progress, &mut |samples| {
            for row in samples.rows {
                computed = Some((row.content.clone(), samples.features.to_owned()));
            }
            Ok(())
        })?;
        match computed {
            Some((Ok(content), features)) => {
                let (digest, place) = (content.digest, Some(place));
                Ok(Self {
                    name,
                    class,
                    digest,
                    features,
                    place,
                })
            }
            Some((Err(reason), _)) => Err(TaskError::UnusableImage {
                image: name,
                reason,
            }
            .into()),
            None => Err(TaskError::NotOneImage { image: name, n: 0 }.into()),
        }
    }
}

/// Writes the page, and returns how many images it does not show.
fn write_sheet(
    output: &Path,
    options: &SimilarOptions,
    store: &FeatureStore,
    query: &Query,
    report: &SimilarReport,
    progress: &dyn Progress,
) -> Result<usize> {
    let originals = Originals::of_store(
        Some(store.path()),
        options.images.as_deref(),
        Names::Any,
        progress,
    )?;
    let own = query.place.clone().map(|place| Original {
        place,
        number: 0,
        digest: query.digest,
    });
    let own = own.or_else(|| originals.find(&query.name, query.digest));
    let images = report.similar.iter();
    let found = images.map(|image| originals.find(&image.path, image.digest));
    let found: Vec<Option<Original>> = [own].into_iter().chain(found).collect();
    let picture = |path: &str, class: &Option<String>| Picture {
        path: for_terminal(path),
        class: class.clone().unwrap_or_default(),
        doubted: false,
        thumbnail: None,
    };
    let mut pictures = vec![picture(&query.name, &query.class)];
    pictures.extend(
        report
            .similar
            .iter()
            .map(|image| picture(&image.path, &image.class)),
    );
    let places = found.iter().map(Option::as_ref);
    let places = places.zip(pictures.iter_mut().map(|picture| &mut picture.thumbnail));
    let decoding = store
        .manifest()
        .spec
        .decoding
        .within(options.computing.limits);
    let threads = options.computing.run.threads;
    Pictures::new(found.len(), decoding, threads).show(places.collect(), progress);
    let without = pictures
        .iter()
        .filter(|picture| picture.thumbnail.is_none())
        .count();
    let mut pictures = pictures.into_iter();
    let image = pictures.next().expect("the image is the first");
    let cosines = report.similar.iter().map(|image| f64::from(image.cosine));
    let name = from_text(&to_text(store.path()));
    let sheet = SimilarSheet {
        subtitle: format!(
            "{} of {} in {}",
            report.similar.len(),
            counted(store.index().n_used(), "image"),
            for_terminal(&to_text(name.file_name().map_or(name.as_path(), Path::new)))
        ),
        image,
        similar: pictures.zip(cosines).collect(),
    };
    outputs::write_bytes_through(output, render_sheet(&sheet).as_bytes())?;
    Ok(without)
}
