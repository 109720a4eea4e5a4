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
            let written = self.lock().labelling.write();
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

    /// Writes what the label file lacks at the end.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io).
    pub(super) fn finish_writing(&self) -> Result<()> {
        self.lock().labelling.write()
    }
}
