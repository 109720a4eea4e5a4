//! The problems that `inspect` finds in the data: in the training images if they are available, otherwise in
//! the evaluated images.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::options::ReportOptions;
use super::originals::{Original, Originals};
use super::pictures::Place;
use crate::error::Result;
use crate::features::FeatureStore;
use crate::images::path_text::for_terminal;
use crate::report::{DataCare, Suspect};
use crate::tasks::inspect::{
    InspectOptions, InspectReport, InspectedImage, Side, SuspectImage, inspect, searched,
};

/// The maximum number of suspects on the page; `inspect` lists all.
const SUSPECTS: usize = 60;

/// The findings, and where each suspect is if that is known.
pub(super) struct Care {
    pub(super) found: DataCare,
    /// That neighbours were searched approximately.
    pub(super) note: Option<String>,
    originals: Vec<Option<Original>>,
}

impl Care {
    pub(super) fn places(&mut self) -> impl Iterator<Item = Place<'_>> {
        let suspects = self.originals.iter().zip(&mut self.found.suspects);
        suspects.map(|(original, suspect)| (original.as_ref(), &mut suspect.thumbnail))
    }
}

/// Inspects the available features, and finds the suspects among the evaluated images or the training images.
/// Returns `None` if there are none: a folder of images has stored features only if it is used with a store.
pub(super) fn of(
    options: &ReportOptions,
    [images, training]: [&Originals; 2],
) -> Result<Option<Care>> {
    let evaluated = options.evaluated_features().ok().map(Path::to_owned);
    // A store that `classify` or `report` caches features in has no list of images.
    let evaluated = match evaluated {
        Some(store) if FeatureStore::open(&store)?.index().n_used() > 0 => Some(store),
        _ => None,
    };
    let (features, against) = match (&options.train, evaluated) {
        // Compared with itself, each image of a store would be its own duplicate.
        (Some(train), evaluated) => {
            let evaluated = evaluated.filter(|evaluated| !is_same(evaluated, train));
            (train.clone(), evaluated)
        }
        (None, Some(evaluated)) => (evaluated, None),
        (None, None) => return Ok(None),
    };
    let inspected = options.train.as_ref().map_or(images, |_| training);
    // The label file is that of the evaluated images.
    let labels = options
        .input
        .labels
        .clone()
        .filter(|_| options.train.is_none());
    let report = inspect(&InspectOptions {
        against,
        labels,
        ..InspectOptions::new(features)
    })?;
    let labels = report.labels.as_ref();
    let suspects = labels.map_or(&[][..], |labels| &labels.suspects);
    let suspects = &suspects[..suspects.len().min(SUSPECTS)];
    let original = |suspect: &SuspectImage| {
        let image = &suspect.image;
        inspected.find(&image.path, image.digest)
    };
    Ok(Some(Care {
        originals: suspects.iter().map(original).collect(),
        note: searched(report.recall),
        found: DataCare {
            duplicates: duplicates(&report),
            suspects: suspects.iter().map(suspect).collect(),
            not_checked: labels
                .is_none()
                .then(|| report.notes.last().cloned().unwrap_or_default()),
        },
    }))
}

/// Returns whether two paths lead to the same store.
fn is_same(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// Returns the groups of duplicates, then those of near-duplicates. Duplicates that belong to a group of
/// near-duplicates are listed only there.
fn duplicates(report: &InspectReport) -> Vec<Vec<String>> {
    let near = report.near_duplicates.iter().map(|group| &group.images);
    let in_near: HashSet<_> = near
        .clone()
        .flatten()
        .map(|image| (image.set, &image.path))
        .collect();
    let equal = report.duplicates.iter().map(|group| &group.images);
    let alone = |images: &&Vec<InspectedImage>| {
        let image = &images[0];
        !in_near.contains(&(image.set, &image.path))
    };
    let groups = equal.filter(alone).chain(near);
    let name = |image: &InspectedImage| name(image, report.against.is_some());
    groups
        .map(|images| images.iter().map(name).collect())
        .collect()
}

/// Returns an image's name to display, with its set if there are two.
fn name(image: &InspectedImage, two_sets: bool) -> String {
    let path = for_terminal(&image.path);
    match (two_sets, image.set) {
        (false, _) => path,
        (true, Side::Features) => format!("{path} (training)"),
        (true, Side::Against) => format!("{path} (evaluated)"),
    }
}

fn suspect(suspect: &SuspectImage) -> Suspect {
    Suspect {
        path: for_terminal(&suspect.image.path),
        given: suspect.image.class.clone().unwrap_or_default(),
        likely: suspect.suggested.clone(),
        confidence: suspect.suggested_probability,
        thumbnail: None,
    }
}
