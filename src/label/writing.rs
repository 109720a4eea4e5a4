//! Writes the label file in the background when that takes long, or failed before.

use std::thread::sleep;
use std::time::Duration;

use super::labeller::Labeller;
use super::refusal::with_causes;
use crate::error::Result;

/// How often the label file is brought up to date.
const OFTEN: Duration = Duration::from_millis(200);
/// How many of these pass between two tries.
const TRIES: u32 = 4;
/// How many of these another program may take to write the label file.
const PATIENCE: u32 = 25;

impl Labeller {
    /// Keeps the label file up to date until the session ends.
    pub(super) fn keep_written(&self) {
        let (mut waited, mut has_failed) = (0, false);
        while !self.is_stopping() {
            sleep(OFTEN);
            waited += 1;
            if waited < TRIES {
                continue;
            }
            waited = 0;
            let written = self.write();
            if let Err(error) = &written
                && !has_failed
            {
                let why = with_causes(error);
                self.note(&format!(
                    "{why}; the labels are safe in the journal, and it is tried again"
                ));
            }
            has_failed = written.is_err();
        }
    }

    /// Writes what the label file lacks, after taking over what another program has changed in it.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); a label file that another program has changed and that is unreadable.
    pub(super) fn write(&self) -> Result<()> {
        let mut inner = self.lock();
        if let Some(said) = inner.labelling.follow()? {
            self.rank_again(&mut inner);
            drop(inner);
            self.note(&said);
            inner = self.lock();
        }
        inner.labelling.write()
    }

    /// Writes what the label file lacks, and waits for another program that is writing it.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub(super) fn write_all(&self) -> Result<()> {
        for _ in 0..PATIENCE {
            self.write()?;
            if !self.lock().labelling.is_edited() {
                break;
            }
            sleep(OFTEN);
        }
        Ok(())
    }
}
