//! Predicts labelled samples, the common first step of `evaluate` and `report`.

use super::labelled_predictions::{EvaluationInput, LabelledPredictions};
use super::labelled_tally::{Items, LeftOut, Tally};
use super::laid_labels::{lay_over, lay_over_scan};
use super::memory::{check_room, free};
use super::predictions::open_store;
use crate::classes::ClassIndex;
use crate::classifier::Predictor;
use crate::error::Result;
use crate::features::{Computed, Images, Source};
use crate::images::{PIXEL_VERSION, Scan};
use crate::progress::Progress;

/// Predicts every labelled sample with a head.
///
/// # Errors
/// A head or store that cannot be read, features that do not fit the head, samples without a class, or no
/// sample of a class that the head knows.
pub fn predict_labelled(
    options: &EvaluationInput,
    progress: &dyn Progress,
) -> Result<LabelledPredictions> {
    predict_scanned(options, options.scan(progress)?.as_ref(), progress)
}

/// Like [`predict_labelled`], with the images that [`EvaluationInput::scan`] has found.
pub(super) fn predict_scanned(
    options: &EvaluationInput,
    scan: Option<&Scan>,
    progress: &dyn Progress,
) -> Result<LabelledPredictions> {
    Ok(predict_labelled_with(&[&options.head.open()?], (options, scan), progress)?.remove(0))
}

/// Like [`predict_scanned`], for several heads on the same features, which are computed once.
pub(super) fn predict_labelled_with(
    classifiers: &[&Predictor],
    input: (&EvaluationInput, Option<&Scan>),
    progress: &dyn Progress,
) -> Result<Vec<LabelledPredictions>> {
    let all = collect_labelled(classifiers, input, progress, |_| Vec::new())?;
    let with_items = |(labelled, items)| LabelledPredictions { items, ..labelled };
    Ok(all.into_iter().map(with_items).collect())
}

/// Like [`predict_labelled_with`], with the samples of each head in what `items` creates for its classes. The
/// predictions that are returned have no items.
pub(super) fn collect_labelled<I: Items>(
    classifiers: &[&Predictor],
    (options, scan): (&EvaluationInput, Option<&Scan>),
    progress: &dyn Progress,
    items: impl Fn(&ClassIndex) -> I,
) -> Result<Vec<(LabelledPredictions, I)>> {
    let mut laid = None;
    let relabelled = match (scan, &options.labels) {
        (Some(scan), Some(labels)) => {
            let mut scan = scan.clone();
            laid = Some(lay_over_scan(labels, &mut scan, false)?);
            Some(scan)
        }
        _ => None,
    };
    let scan = relabelled.as_ref().or(scan);
    let (source, mut notes) = if let Some(scan) = scan {
        images::<I>(scan, classifiers, options)?
    } else {
        let (mut store, notes) = open_store(&options.data, classifiers)?;
        store.require_samples()?;
        if let Some(only) = &options.only {
            only.of_store(&mut store)?;
        }
        if let Some(labels) = &options.labels {
            laid = Some(lay_over(labels, &mut store, None)?);
        }
        let n = I::in_memory(store.index().n_used());
        check_room(n, n_classes(classifiers), free())?;
        (Source::from(store), notes)
    };
    let engine = source.engine().expect("a network was loaded").clone();
    let tallies = classifiers.iter().copied().map(|classifier| {
        let own = || items(classifier.classes());
        Tally::new(classifier, (classifiers, options), engine.clone(), own)
    });
    let mut tallies: Vec<Tally<'_, I>> = tallies.collect();
    let first = classifiers[0];
    let done = source.each(&first.spec().views, progress, &mut |samples| {
        tallies.iter_mut().try_for_each(|tally| tally.take(samples))
    })?;
    notes.extend([done.store_notes, done.network_notes].concat());
    notes.extend(scan.and_then(|_| first.pixel_note(PIXEL_VERSION)));
    let tallies = tallies.into_iter();
    let finish = |tally: Tally<'_, I>| {
        let (mut labelled, items) = tally.finish(&notes)?;
        labelled.laid_labels.clone_from(&laid);
        Ok((labelled, items))
    };
    tallies.map(finish).collect()
}

/// Opens the scanned images as a source of features for all heads. Unusable input is refused here, before
/// anything is computed.
fn images<'a, I: Items>(
    scan: &'a Scan,
    classifiers: &[&Predictor],
    options: &EvaluationInput,
) -> Result<(Source<'a>, Vec<String>)> {
    for classifier in classifiers {
        refuse_unlabelled(scan, classifier, options)?;
    }
    let n = I::in_memory(scan.entries.len());
    check_room(n, n_classes(classifiers), free())?;
    let (images, how) = (Images::of(&scan.entries), &options.head.computing);
    let images = Computed::of(images, classifiers[0].spec(), how)?;
    Ok((images.into(), scan.notes.clone()))
}

/// Refuses a scan with unlabelled images, or without any image of a class that the head knows.
fn refuse_unlabelled(scan: &Scan, classifier: &Predictor, options: &EvaluationInput) -> Result<()> {
    let (mut is_known, mut left_out) = (false, LeftOut::default());
    let samples = scan.entries.iter().filter(|found| found.reason().is_none());
    for found in samples {
        is_known |= left_out
            .target(found.sample().class.as_deref(), classifier)
            .is_some();
    }
    if is_known && left_out.unlabelled == 0 {
        return Ok(());
    }
    Err(left_out
        .nothing_to_evaluate(classifier, options, None)
        .into())
}

/// Returns the sum of all heads' class counts.
fn n_classes(classifiers: &[&Predictor]) -> usize {
    classifiers.iter().map(|head| head.classes().len()).sum()
}
