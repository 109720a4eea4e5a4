//! Converts evaluated samples into the images of the page, in display order.

use super::options::{Original, ReportOptions, Roots};
use super::pictures::Place;
use crate::classifier::top;
use crate::features::Digest;
use crate::images::path_text::for_terminal;
use crate::report::{Photo, worst_first};
use crate::tasks::labelled_predictions::{LabelledPrediction, LabelledPredictions};

/// The number of classes whose probabilities are shown.
const TOP: usize = 5;

/// An image on the page, and its file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) photo: Photo,
    /// Its file, if it is known.
    pub(super) file: Option<Original>,
    pub(super) digest: Digest,
}

impl Shown {
    pub(super) fn place(&mut self) -> Place<'_> {
        (self.file.as_ref(), &mut self.photo.thumbnail)
    }
}

/// Returns all images, mistakes first.
pub(super) fn of(labelled: &LabelledPredictions, options: &ReportOptions) -> Vec<Shown> {
    let roots = Roots::of(options);
    let mut shown: Vec<Shown> = labelled
        .items
        .iter()
        .map(|item| one(item, labelled, &roots))
        .collect();
    shown.sort_by(|a, b| worst_first(&a.photo, &b.photo));
    shown
}

fn one(item: &LabelledPrediction, labelled: &LabelledPredictions, roots: &Roots<'_>) -> Shown {
    let mut top = top(&item.probabilities, TOP);
    if !top.iter().any(|(class, _)| *class == item.target) {
        top.push((item.target, item.probabilities[item.target]));
    }
    Shown {
        photo: Photo {
            path: for_terminal(roots.name(&item.path)),
            truth: item.target,
            predicted: top.first().map_or(0, |(class, _)| *class),
            top,
            rejected: item
                .verdict
                .reason(&labelled.classes)
                .map(|reason| for_terminal(&reason)),
            thumbnail: None,
            neighbours: Vec::new(),
        },
        file: roots.file(&item.path, item.digest),
        digest: item.digest,
    }
}
