//! `report`: writes the evaluation of a head as a self-contained HTML page.

mod captions;
mod care;
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
use self::originals::Originals;
use self::photos::Shown;
use self::pictures::Pictures;
use super::evaluate::disagreements;
use super::inputs::Skipped;
use super::labelled_predictions::Accepted;
use super::laid_labels::LaidLabels;
use super::predict_labelled::predict_scanned;
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
    let images = match &scan {
        Some(scan) => Originals::of_scan(scan),
        None => Originals::of_store(options.images.as_deref(), names, progress)?,
    };
    let training = Originals::of_store(options.train_images.as_deref(), names, progress)?;
    let labelled = predict_scanned(&options.input, scan.as_ref(), progress)?;
    let p = labelled.probabilities();
    let (classes, targets) = (&labelled.classes, labelled.targets());
    let evaluation = Evaluation::with_intervals(classes, &targets, p.view(), options.bootstrap)?;
    let mut shown = photos::of(&labelled, options, &images);
    let (mut near, on_nearest) =
        nearest::training_images(&mut shown, options, &training, &head.record)?;
    let mut care = care::of(options, [&images, &training])?;
    let on_care = care.as_mut().and_then(|care| care.note.take());
    show(&mut shown, &mut near, care.as_mut(), options, progress)?;
    let without = shown.iter().filter(|s| s.photo.thumbnail.is_none());
    let without: Vec<_> = without.map(|shown| &shown.photo).collect();
    let without_picture = without.len();
    let on_pictures = captions::pictures_note(options, &without);
    let mut page = Page {
        title: captions::title(&options.input.data),
        subtitle: captions::subtitle(options, &evaluation),
        classes: classes.iter().map(str::to_owned).collect(),
        photos: shown.into_iter().map(|shown| shown.photo).collect(),
        training: near.into_iter().map(|near| near.picture).collect(),
        care: care.map(|care| care.found),
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

/// Adds the thumbnails, decoded in the same way as for the head's features: mistakes first, then the training
/// images near them, then possible label errors, then the images that were predicted correctly.
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
    places.extend(right.iter_mut().map(Shown::place));
    let mut pictures = Pictures::new(places.len(), decoding, head.computing.run.threads);
    pictures.show(places, progress);
    Ok(())
}
