//! `report`: what is known of a head and of the images it was evaluated on, on one HTML page.

mod captions;
mod care;
mod figures;
mod made;
mod nearest;
mod options;
mod photos;
mod pictures;
mod training;

use std::path::Path;

pub use self::options::ReportOptions;
use self::options::Roots;
use self::pictures::Pictures;
use super::evaluate::disagreements;
use super::inputs::Skipped;
use super::judge::{Accepted, Judged, judge};
use crate::error::Result;
use crate::head::{Evaluation, HeadFile};
use crate::outputs;
use crate::progress::Progress;
use crate::report::{Page, render};

/// What a report holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportSummary {
    /// Images that were judged.
    pub images: usize,
    /// Those that were predicted rightly.
    pub right: usize,
    /// What the figures stand on, where the head knew some of the images.
    pub basis: Option<String>,
    /// Images on the page that have no picture, since their file was not found or there was no room.
    pub without_picture: usize,
    /// The size of the page, in bytes.
    pub bytes: usize,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// What the user should know; it stands on the page too.
    pub notes: Vec<String>,
}

/// Writes a report.
///
/// # Errors
/// Those of [`judge`]; a training store that does not match the head; [`Error::Io`](crate::Error::Io). A
/// picture that cannot be shown is no error.
pub fn report(options: &ReportOptions, progress: &dyn Progress) -> Result<ReportSummary> {
    options.bootstrap.check()?;
    if options.train.is_some() {
        // Before minutes of work rather than after.
        options.judged_features()?;
    }
    let head = HeadFile::read(&options.judge.head.path)?;
    let judged = judge(&options.judge, progress)?;
    let evaluation = Evaluation::with_intervals(
        &judged.classes,
        &judged.targets(),
        judged.probabilities().view(),
        options.bootstrap,
    )?;
    let mut shown = photos::of(&judged, options);
    let (near, strangers) = nearest::training_images(&mut shown, options, &head.record)?;
    let care = care::of(options)?;
    let files = care.as_ref().map_or(&[][..], |care| &care.files);
    let mut pictures = pictures(shown.len() + near.len() + files.len(), options)?;
    progress.begin("pictures", (shown.len() + near.len() + files.len()) as u64);
    let training = pictures.show_mistakes(&mut shown, near, progress);
    let suspects = pictures.of_files(files, progress);
    pictures.show_right(&mut shown, progress);
    progress.end();
    let without_picture = shown.iter().filter(|s| s.photo.thumbnail.is_none()).count();
    let accepted = judged.rejected.map(|r| Accepted::of(&evaluation, r));
    let mut page = Page {
        title: captions::title(&options.judge.data),
        subtitle: captions::subtitle(options, &evaluation),
        notes: captions::notes(&judged, &evaluation),
        classes: judged.classes.iter().map(str::to_owned).collect(),
        photos: shown.into_iter().map(|shown| shown.photo).collect(),
        training,
        care: care.map(|care| care.with(suspects)),
        provenance: made::groups(options, &head, &judged),
        basis: judged.acquaintance.sentence(),
        ..Page::default()
    };
    page.notes.extend(captions::pictures_note(
        &Roots::of(options),
        without_picture,
    ));
    page.notes.extend(strangers);
    figures::fill(&mut page, &evaluation, accepted);
    let unreadable = training::fill(&mut page, &head.metrics);
    page.notes.extend(unreadable);
    page.notes.extend(disagreements(&head.metrics));
    write(&options.output, &page, judged, without_picture)
}

/// Pictures are decoded as the head's features were.
fn pictures(n: usize, options: &ReportOptions) -> Result<Pictures> {
    let head = &options.judge.head;
    let (classifier, how) = (head.open()?, &head.computing);
    let decoding = classifier.spec().decoding.within(how.limits);
    Ok(Pictures::new(n, decoding, how.run.threads))
}

fn write(
    output: &Path,
    page: &Page,
    judged: Judged,
    without_picture: usize,
) -> Result<ReportSummary> {
    let text = render(page);
    outputs::write_bytes_through(output, text.as_bytes())?;
    Ok(ReportSummary {
        images: page.photos.len(),
        right: page.photos.iter().filter(|photo| photo.is_right()).count(),
        basis: page.basis.clone(),
        without_picture,
        bytes: text.len(),
        skipped: judged.skipped,
        notes: page.notes.clone(),
    })
}
