//! Converts evaluated samples into the images of the page, in display order.

use std::path::Path;

use super::options::{ReportOptions, shown_name};
use super::originals::{Original, Originals};
use super::pictures::Place;
use crate::classifier::top;
use crate::features::Digest;
use crate::images::path_text::for_terminal;
use crate::report::{OtherPrediction, Photo, worst_first};
use crate::tasks::labelled_predictions::{LabelledPrediction, LabelledPredictions};

/// The number of classes whose probabilities are shown.
const TOP: usize = 5;

/// An image on the page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) photo: Photo,
    /// Where it is, if that is known.
    pub(super) original: Option<Original>,
    pub(super) digest: Digest,
}

impl Shown {
    pub(super) fn place(&mut self) -> Place<'_> {
        (self.original.as_ref(), &mut self.photo.thumbnail)
    }
}

/// Returns all images, mistakes first.
pub(super) fn of(
    labelled: &LabelledPredictions,
    options: &ReportOptions,
    originals: &Originals,
    other: Option<&[OtherPrediction]>,
) -> Vec<Shown> {
    let items = labelled.items.iter().enumerate();
    let shown = items.map(|(i, item)| {
        let mut shown = one(item, labelled, (&options.input.data, originals));
        shown.photo.other = other.map(|other| other[i]);
        shown
    });
    let mut shown: Vec<Shown> = shown.collect();
    shown.sort_by(|a, b| worst_first(&a.photo, &b.photo));
    shown
}

fn one(
    item: &LabelledPrediction,
    labelled: &LabelledPredictions,
    (data, originals): (&Path, &Originals),
) -> Shown {
    let mut top = top(&item.probabilities, TOP);
    if !top.iter().any(|(class, _)| *class == item.target) {
        top.push((item.target, item.probabilities[item.target]));
    }
    Shown {
        photo: Photo {
            path: for_terminal(shown_name(data, &item.path)),
            truth: item.target,
            predicted: top.first().map_or(0, |(class, _)| *class),
            top,
            rejected: item
                .verdict
                .reason(&labelled.classes)
                .map(|reason| for_terminal(&reason)),
            thumbnail: None,
            neighbours: Vec::new(),
            other: None,
            doubted: false,
        },
        original: originals.find(&item.path, item.digest),
        digest: item.digest,
    }
}
