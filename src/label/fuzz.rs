//! A fuzzing entry point, which is not part of the public API.

use std::path::Path;

use super::journal::{self, Journal};
use super::labelling::{Labelling, Start, journal_of};
use crate::error::{Error, Result};
use crate::inputs::{self, Links};

/// Opens the journal of `labels.csv` in a folder twice, in a session on three images.
///
/// # Errors
/// The reason why the journal cannot be used.
///
/// # Panics
/// If the second session begins with other labels than the first one ended with.
pub fn journal(folder: &Path) -> Result<()> {
    let labels = folder.join("labels.csv");
    let session = || {
        let journal = Journal::open(&journal_of(&labels), &labels)?;
        let names = ["a.jpg", "b.jpg", "c.jpg"].into_iter();
        let (labelling, _) = Labelling::open(&labels, journal, names, Start::default())?;
        drop(labelling);
        inputs::read(&labels, Links::Follow, u64::MAX).map_err(Error::io("read", &labels))
    };
    let first = session()?;
    let second = session().expect("what a session wrote is read");
    assert_eq!(first, second);
    Ok(())
}

/// Recomputes the checksums of a journal's lines after their content was changed.
pub fn reseal(journal: &mut [u8]) {
    journal::reseal(journal);
}
