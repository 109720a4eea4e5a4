//! The problems that `inspect` finds in the data: in the training images if they are available, otherwise in
//! the evaluated images.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::options::ReportOptions;
use super::originals::{Original, Originals};
use super::pictures::Place;
use crate::error::Result;
use crate::features::{Digest, FeatureStore};
use crate::images::path_text::for_terminal;
use crate::report::{DataCare, Duplicate, DuplicateGroup, Origin, Suspect};
use crate::tasks::inspect::{
    InspectOptions, InspectReport, InspectedImage, Side, SuspectImage, inspect, searched,
};

/// The maximum number of suspects on the page, and of groups of duplicates; `inspect` lists all.
const LISTED: usize = 60;

/// The maximum number of images of a group of duplicates on the page.
const COPIES: usize = 8;

/// The findings, and where each image in them is if that is known.
pub(super) struct Care {
    pub(super) found: DataCare,
    /// That neighbours were searched approximately.
    pub(super) note: Option<String>,
    /// The images whose label cross-validation contradicts with confidence.
    doubted: HashSet<Digest>,
    /// Those of the suspects, then those of the duplicates.
    originals: Vec<Option<Original>>,
}

impl Care {
    pub(super) fn places(&mut self) -> impl Iterator<Item = Place<'_>> {
        let suspects = self.found.suspects.iter_mut();
        let groups = self.found.duplicates.iter_mut();
        let copies = groups.flat_map(|group| &mut group.images);
        let thumbnails = suspects
            .map(|suspect| &mut suspect.thumbnail)
            .chain(copies.map(|copy| &mut copy.thumbnail));
        self.originals.iter().map(Option::as_ref).zip(thumbnails)
    }

    /// Returns whether the label of an image is in doubt.
    pub(super) fn doubts(&self, image: Digest) -> bool {
        self.doubted.contains(&image)
    }
}

/// Inspects the available features, and finds the images among the evaluated ones and the training images.
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
    let own = match &options.train {
        Some(_) => (Origin::Training, training),
        None => (Origin::Evaluated, images),
    };
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
    Ok(Some(found(&report, own, images)))
}

/// Returns the findings of an inspection of the images in `own`, compared with those in `against`.
fn found(report: &InspectReport, own: (Origin, &Originals), against: &Originals) -> Care {
    let of_image = |image: &InspectedImage| match image.set {
        Side::Features => own,
        Side::Against => (Origin::Evaluated, against),
    };
    let original = |image: &InspectedImage| of_image(image).1.find(&image.path, image.digest);
    let labels = report.labels.as_ref();
    let suspects = labels.map_or(&[][..], |labels| &labels.suspects);
    let groups = groups(report);
    let listed: Vec<&SuspectImage> = suspects.iter().take(LISTED).collect();
    let copies = groups.iter().take(LISTED);
    let copies = copies.flat_map(Group::listed);
    let pictured = listed.iter().map(|suspect| &suspect.image).chain(copies);
    let not_checked = || report.notes.last().cloned().unwrap_or_default();
    Care {
        originals: pictured.map(original).collect(),
        note: searched(report.recall),
        doubted: suspects
            .iter()
            .filter(|suspect| suspect.confident)
            .map(|suspect| suspect.image.digest)
            .collect(),
        found: DataCare {
            checked: own.0,
            n_duplicates: groups.len(),
            duplicates: groups
                .iter()
                .take(LISTED)
                .map(|group| group.shown(|image| of_image(image).0))
                .collect(),
            n_suspects: suspects.len(),
            suspects: listed.into_iter().map(suspect).collect(),
            not_checked: labels.is_none().then(not_checked),
        },
    }
}

/// Returns whether two paths lead to the same store.
fn is_same(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// A group of duplicates or near-duplicates.
struct Group<'a> {
    similarity: Option<f64>,
    images: &'a [InspectedImage],
}

impl Group<'_> {
    fn differs<T: PartialEq>(&self, of: impl Fn(&InspectedImage) -> T) -> bool {
        let first = of(&self.images[0]);
        self.images.iter().any(|image| of(image) != first)
    }

    fn is_contradictory(&self) -> bool {
        self.differs(|image| image.class.clone())
    }

    fn is_leaked(&self) -> bool {
        self.differs(|image| image.set)
    }

    /// Returns some of the images, at least one of each class and set if there is room.
    fn listed(&self) -> impl Iterator<Item = &InspectedImage> {
        let mut kinds = HashSet::new();
        let is_first = |image: &&InspectedImage| kinds.insert((image.set, image.class.clone()));
        let (first, rest): (Vec<_>, Vec<_>) = self.images.iter().partition(is_first);
        first.into_iter().chain(rest).take(COPIES)
    }

    fn shown(&self, origin: impl Fn(&InspectedImage) -> Origin) -> DuplicateGroup {
        let copy = |image: &InspectedImage| Duplicate {
            path: for_terminal(&image.path),
            class: image.class.clone().unwrap_or_default(),
            origin: origin(image),
            thumbnail: None,
        };
        DuplicateGroup {
            similarity: self.similarity,
            images: self.listed().map(copy).collect(),
            n_images: self.images.len(),
            contradictory: self.is_contradictory(),
            leaked: self.is_leaked(),
        }
    }
}

/// Returns the groups of duplicates, then those of near-duplicates; of these, first the groups with different
/// labels and those with training and evaluated images. Duplicates that belong to a group of near-duplicates
/// are listed only there.
fn groups(report: &InspectReport) -> Vec<Group<'_>> {
    let near = report.near_duplicates.iter().map(|group| Group {
        similarity: Some(f64::from(group.cosine)),
        images: &group.images,
    });
    let in_near: HashSet<_> = near
        .clone()
        .flat_map(|group| group.images)
        .map(|image| (image.set, &image.path))
        .collect();
    let equal = report.duplicates.iter().map(|group| Group {
        similarity: None,
        images: &group.images,
    });
    let alone = |group: &Group<'_>| {
        let image = &group.images[0];
        !in_near.contains(&(image.set, &image.path))
    };
    let mut groups: Vec<_> = equal.filter(alone).chain(near).collect();
    groups.sort_by_key(|group| (!group.is_contradictory(), !group.is_leaked()));
    groups
}

fn suspect(suspect: &SuspectImage) -> Suspect {
    Suspect {
        path: for_terminal(&suspect.image.path),
        given: suspect.image.class.clone().unwrap_or_default(),
        likely: suspect.suggested.clone(),
        probability: suspect.suggested_probability,
        confident: suspect.confident,
        thumbnail: None,
    }
}
