//! Text that several commands share, and where results go.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;

use super::talk;
use crate::atomic_file;
use crate::error::Error;
use crate::images::ignored_text;
use crate::tasks::Skipped;

/// How findings are written that are no rows.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(super) enum FindingsFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Names the images that could not be used.
pub(super) fn skipped(skipped: &[Skipped]) {
    let items = skipped.iter().map(|s| format!("{}: {}", s.path, s.reason));
    talk::warn_list(
        format!("{} images could not be used", skipped.len()),
        items,
        "(all of them are in the index)",
    );
}

/// What was left out since it is no image: `ignored 3 other files: 2 .txt, 1 without extension`.
pub(super) fn ignored(counts: &BTreeMap<String, usize>) {
    if let Some(kinds) = ignored_text(counts) {
        let total: usize = counts.values().sum();
        talk::note(format!("ignored {total} other files: {kinds}"));
    }
}

/// Says why `auto` took the CPU.
pub(super) fn gpu_not_used(why: Option<&str>) {
    if let Some(why) = why {
        talk::say(format!("  no GPU    {why}"));
    }
}

/// Writes results to a file, as [`atomic_file::write`] does, or to standard output.
pub(super) fn write_to<T>(
    path: Option<&Path>,
    content: impl FnOnce(&mut dyn Write) -> Result<T, Error>,
) -> Result<T, Error> {
    match path {
        None => {
            let mut out = BufWriter::new(stdout());
            let result = content(&mut out)?;
            out.flush().map_err(Error::io("write", "standard output"))?;
            Ok(result)
        }
        Some(path) => {
            let mut result = None;
            atomic_file::write(path, |file| {
                result = Some(content(file)?);
                Ok(())
            })?;
            Ok(result.expect("the content was written"))
        }
    }
}
