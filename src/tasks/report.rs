//! `report`: writes the evaluation of a head as a self-contained HTML page.

mod captions;
mod care;
mod compared;
mod figures;
mod made;
mod nearest;
mod options;
mod originals;
mod photos;
mod pictures;
mod training;

pub use self::captions::ReportNote;
use self::care::Care;
use self::nearest::Near;
pub use self::options::ReportOptions;
pub(super) use self::originals::{Original, Originals};
use self::photos::Shown;
pub(super) use self::pictures::Pictures;
use super::evaluate::disagreements;
use super::inputs::Skipped;
use super::labelled_predictions::Accepted;
use super::laid_labels::LaidLabels;
use crate::error::Result;
use crate::head::{Evaluation, HeadFile, start_processors};
use crate::outputs;
use crate::progress::{Progress, go_on};
use crate::report::{Page, render};

/// The counts and notes of a report.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReportSummary {
    /// The number of evaluated images.
    pub images: usize,
    /// How many of them were predicted correctly.
    pub right: usize,
    /// How the images relate to the head's training, if it was trained or validated on some of them.
    pub basis: Option<String>,
    /// Images on the page without a thumbnail, because it was not found or the page was full.
    pub without_picture: usize,
    /// The size of the page, in bytes.
    pub bytes: usize,
    /// How the label file and the images correspond, if there is one.
    pub laid_labels: Option<LaidLabels>,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// Notes for the user, which the page shows too.
    pub notes: Vec<ReportNote>,
}

/// Writes a report.
///
/// # Errors
/// Those of [`predict_labelled`](super::predict_labelled()); images that cannot be listed; a training store
/// that does not match the head; [`Error::Io`](crate::Error::Io). An image that cannot be shown is not an
/// error.
pub fn report(options: &ReportOptions, progress: &dyn Progress) -> Result<ReportSummary> {
    options.bootstrap.check()?;
    start_processors()?;
    if options.train.is_some() {
        // Fail now, not after minutes of work.
        options.evaluated_features()?;
    }
    let head = HeadFile::read(&options.input.head.path)?;
    let scan = options.input.scan(progress)?;
    let names = options.input.names;
    let images = if let Some(scan) = &scan {
        Originals::of_scan(scan)
    } else {
        let (store, images) = (Some(&*options.input.data), options.images.as_deref());
        Originals::of_store(store, images, names, progress)?
    };
    let (train, train_images) = (options.train.as_deref(), options.train_images.as_deref());
    let training = Originals::of_store(train, train_images, names, progress)?;
    let (labelled, compared) = compared::predict(options, scan.as_ref(), progress)?;
    let p = labelled.probabilities();
    let (classes, targets) = (&labelled.classes, labelled.targets());
    let evaluation = Evaluation::with_intervals(classes, &targets, p.view(), options.bootstrap)?;
    let other = compared.as_ref().map(|compared| &compared.predictions[..]);
    let mut shown = photos::of(&labelled, options, &images, other);
    let (mut near, on_nearest) =
        nearest::training_images(&mut shown, options, &training, &head.record)?;
    let mut care = care::of(options, [&images, &training])?;
    let on_care = care.as_mut().and_then(|care| care.note.take());
    if let Some(care) = &care {
        mark(care, &mut shown, &mut near);
    }
    show(&mut shown, &mut near, care.as_mut(), options, progress)?;
    let without = shown.iter().filter(|s| s.photo.thumbnail.is_none());
    let without: Vec<_> = without.map(|shown| &shown.photo).collect();
    let without_picture = without.len();
    let on_pictures = captions::pictures_note(options, &without);
    let mut page = Page {
        title: captions::title(options),
        subtitle: captions::subtitle(options, &evaluation),
        classes: classes.iter().map(str::to_owned).collect(),
        photos: shown.into_iter().map(|shown| shown.photo).collect(),
        training: near.into_iter().map(|near| near.picture).collect(),
        care: care.map(|care| care.found),
        versus: compared.map(|compared| compared.versus),
        provenance: made::groups(options, &head, &labelled),
        basis: labelled.training_overlap.sentence(),
        ..Page::default()
    };
    let mut notes = captions::notes(&labelled, &evaluation);
    notes.extend(on_pictures);
    notes.extend(on_nearest.into_iter().chain(on_care).map(ReportNote::Other));
    let accepted = labelled.rejected.map(|r| Accepted::of(&evaluation, r));
    figures::fill(&mut page, &evaluation, accepted);
    let unreadable = training::fill(&mut page, &head.metrics).into_iter();
    notes.extend(
        unreadable
            .chain(disagreements(&head.metrics))
            .map(ReportNote::Other),
    );
    page.notes = notes.iter().map(ToString::to_string).collect();
    let text = render(&page);
    go_on(progress)?;
    outputs::write_bytes_through(&options.output, text.as_bytes())?;
    Ok(ReportSummary {
        images: page.photos.len(),
        right: page.photos.iter().filter(|photo| photo.is_right()).count(),
        basis: page.basis,
        without_picture,
        bytes: text.len(),
        laid_labels: labelled.laid_labels,
        skipped: labelled.skipped,
        notes,
    })
}

/// Marks the images whose label is in doubt.
fn mark(care: &Care, shown: &mut [Shown], near: &mut [Near]) {
    for shown in shown {
        shown.photo.doubted = care.doubts(shown.digest);
    }
    for near in near {
        near.picture.doubted = care.doubts(near.digest);
    }
}

/// Adds the thumbnails, decoded in the same way as for the head's features: mistakes first, then the training
/// images near them, then possible label errors and duplicates, then the images that were predicted
/// correctly, first those that the other head got wrong.
fn show(
    shown: &mut [Shown],
    near: &mut [Near],
    care: Option<&mut Care>,
    options: &ReportOptions,
    progress: &dyn Progress,
) -> Result<()> {
    let head = &options.input.head;
    let decoding = head.open()?.spec().decoding.within(head.computing.limits);
    let wrong = shown.iter().take_while(|shown| !shown.photo.is_right());
    let (mistakes, right) = shown.split_at_mut(wrong.count());
    let mut places: Vec<_> = mistakes.iter_mut().map(Shown::place).collect();
    places.extend(near.iter_mut().map(Near::place));
    places.extend(care.into_iter().flat_map(Care::places));
    let (differing, others): (Vec<_>, Vec<_>) = right
        .iter_mut()
        .partition(|shown| shown.photo.is_other_right() == Some(false));
    places.extend(differing.into_iter().chain(others).map(Shown::place));
    let mut pictures = Pictures::new(places.len(), decoding, head.computing.run.threads);
    pictures.show(places, progress);
    Ok(())
}
