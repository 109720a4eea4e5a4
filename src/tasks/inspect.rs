//! `inspect`: looks for problems among the images of a feature store, and changes nothing.

mod alike;
mod labels;
mod outliers;
mod pictures;
mod report;

use std::collections::{BTreeMap, HashSet};

#[cfg(feature = "serve")]
use ndarray::Array2;

use self::alike::Alike;
#[cfg(feature = "serve")]
use self::pictures::Vectors;
use self::pictures::{Opened, Pictures};
use crate::error::Result;
#[cfg(feature = "serve")]
use crate::features::Digest;
use crate::head::{HeadFile, ImageRole, approximately, lower, start_processors};
#[cfg(feature = "serve")]
use crate::head::{NEAR_DUPLICATE, UnitRows};

pub use report::{
    ClassCount, Contradiction, Duplicates, InspectOptions, InspectReport, InspectedImage,
    LabelReport, Leakage, Leaked, Likeness, NearDuplicates, Outlier, Side, SuspectImage,
    TINY_CLASS, TrainedOn, Unlike,
};

/// Looks for duplicates, near-duplicates, leakage, contradictory labels, labels that cross-validation
/// contradicts, outliers and tiny classes.
///
/// Only the centre view of each image is used. The features of both stores are held in memory. Up to 50,000
/// distinct images, every one is compared with every other: N² · D multiplications for N distinct images in
/// both stores. Among more, neighbours are searched approximately, and the report says which share of them
/// was found.
///
/// # Errors
/// Options out of range; a store that cannot be read or contains no images;
/// [`TaskError`](crate::error::TaskError) for two stores of different backbones or preprocessing.
pub fn inspect(options: &InspectOptions) -> Result<InspectReport> {
    options.check()?;
    start_processors()?;
    let Opened {
        pictures,
        vectors,
        store,
        laid_labels,
    } = Pictures::open(options)?;
    let trained_on = trained_on(&pictures, options)?;
    let alike = Alike::find(&pictures, &vectors, options.near)?;
    let (outliers, recall) = outliers::find(&pictures, &vectors.own, &alike, options.near);
    // The labels are checked with the features of all images, which are read again.
    drop(vectors);
    let recall = lower(alike.recall, recall);
    let classes = classes(&pictures);
    let mut notes: Vec<String> = searched(recall).into_iter().collect();
    let labels = match labels::check(&pictures, &store, &alike, options) {
        Ok(labels) => Some(labels),
        Err(why) if labels::cannot_be_checked(&why) => {
            notes.push(format!("labels were not checked for errors: {why}"));
            None
        }
        Err(error) => return Err(error),
    };
    Ok(InspectReport {
        features: options.features.clone(),
        against: options.against.clone(),
        n_images: pictures.n_own(),
        n_against: pictures.len() - pictures.n_own(),
        near: options.near,
        recall,
        laid_labels,
        classes,
        duplicates: alike::duplicates(&pictures),
        near_duplicates: alike.near_duplicates(&pictures),
        leakage: options.against.as_ref().map(|_| alike.leakage(&pictures)),
        trained_on,
        contradictions: alike.contradictions(&pictures),
        labels,
        outliers,
        notes,
    })
}

/// What is found among images in memory, apart from labels that cross-validation contradicts.
#[cfg(feature = "serve")]
#[derive(Debug)]
pub(crate) struct InspectedLabels {
    pub(crate) duplicates: Vec<Duplicates>,
    pub(crate) near_duplicates: Vec<NearDuplicates>,
    pub(crate) contradictions: Vec<Contradiction>,
    pub(crate) outliers: Vec<Outlier>,
}

/// Looks for duplicates, near-duplicates, contradictory labels and outliers among labelled images in memory,
/// given their paths, classes and digests. `features` returns those of some images, by their numbers.
///
/// # Errors
/// [`Error::NoThread`](crate::Error::NoThread).
#[cfg(feature = "serve")]
pub(crate) fn inspect_labelled(
    images: impl Iterator<Item = (String, String, Digest)>,
    features: impl FnOnce(&[usize]) -> Array2<f32>,
) -> Result<InspectedLabels> {
    start_processors()?;
    let image = |(path, class, digest)| InspectedImage {
        set: Side::Features,
        path,
        class: Some(class),
        digest,
    };
    let pictures = Pictures::of(images.map(image));
    let firsts: Vec<usize> = pictures.copies().iter().map(|copies| copies[0]).collect();
    let own = features(&firsts);
    let vectors = Vectors {
        theirs: UnitRows::scaled(Array2::zeros((0, own.ncols()))),
        own: UnitRows::scaled(own),
    };
    let alike = Alike::find(&pictures, &vectors, NEAR_DUPLICATE)?;
    let (outliers, _) = outliers::find(&pictures, &vectors.own, &alike, NEAR_DUPLICATE);
    Ok(InspectedLabels {
        duplicates: alike::duplicates(&pictures),
        near_duplicates: alike.near_duplicates(&pictures),
        contradictions: alike.contradictions(&pictures),
        outliers,
    })
}

/// Says that neighbours were searched approximately, if they were.
pub(super) fn searched(recall: Option<f64>) -> Option<String> {
    recall.map(|recall| approximately("neighbours and near-duplicates", recall))
}

/// Finds the images of the store that a head was trained on, on which it cannot be evaluated.
fn trained_on(pictures: &Pictures, options: &InspectOptions) -> Result<Option<TrainedOn>> {
    let Some(head) = &options.head else {
        return Ok(None);
    };
    let record = HeadFile::read(head)?.record;
    let mut found = TrainedOn {
        recorded: record.is_known(),
        ..TrainedOn::default()
    };
    for number in 0..pictures.n_own() {
        match record.role(&pictures.digests()[pictures.distinct(number)].0) {
            ImageRole::Training => found.training.push(pictures.image(number).clone()),
            ImageRole::HeldOut => found.n_held_out += 1,
            ImageRole::New => {}
        }
    }
    Ok(Some(found))
}

/// Counts the images of each class in both stores, by name.
fn classes(pictures: &Pictures) -> Vec<ClassCount> {
    let mut counts: BTreeMap<&str, ClassCount> = BTreeMap::new();
    let mut seen = HashSet::new();
    for image in 0..pictures.len() {
        let Some(name) = pictures.class(image) else {
            continue;
        };
        let count = counts.entry(name).or_insert_with(|| ClassCount {
            name: name.to_owned(),
            n_images: 0,
            n_different: 0,
            n_against: 0,
            tiny: false,
        });
        if image < pictures.n_own() {
            count.n_images += 1;
            count.n_different += usize::from(seen.insert((name, pictures.distinct(image))));
        } else {
            count.n_against += 1;
        }
        count.tiny = count.n_different < TINY_CLASS;
    }
    counts.into_values().collect()
}
