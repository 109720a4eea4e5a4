//! Text that several commands share, and where results go.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::errors::with_flags;
use super::refusal::Refusal;
use super::talk;
use frostline::backbones::has_nvidia_gpu;
use frostline::error::Error;
use frostline::images::ignored_text;
use frostline::outputs;
use frostline::phrases::counted;
use frostline::tasks::{OutputGuard, Overwrite, Skipped, Wanted};

/// Permission to replace a file of another kind, shared by the commands that write one file.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct OverwriteArg {
    /// Replace the output even if it is a file of another kind, such as an image.
    #[arg(long = "overwrite")]
    overwrite: bool,
}

impl From<OverwriteArg> for Overwrite {
    fn from(arg: OverwriteArg) -> Self {
        if arg.overwrite {
            Self::Allow
        } else {
            Self::Refuse
        }
    }
}

/// Where the results of a command go that writes to standard output by default.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OutputArgs {
    /// Write to FILE; `-` is standard output [default: -].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

impl OutputArgs {
    /// The file; nothing for standard output.
    pub(super) fn file(&self) -> Option<&Path> {
        let file = self.output.as_deref();
        file.filter(|file| !outputs::is_stdout(file))
    }

    /// For messages.
    pub(super) fn name(&self) -> &Path {
        outputs::name(self.place())
    }

    fn place(&self) -> &Path {
        self.output.as_deref().unwrap_or(Path::new("-"))
    }

    /// Checks the file before any work is done, and then its format, where that is known.
    pub(super) fn check<F: OutputFormat>(
        &self,
        guard: &OutputGuard,
        format: Option<F>,
    ) -> anyhow::Result<F> {
        let format = chosen(format, self.file());
        if let Some(file) = self.file() {
            // A picture is to be called a picture rather than a file with an unknown extension.
            let wanted = format
                .as_ref()
                .map_or(Wanted::Text, |format| format.wanted());
            guard.check(file, wanted, self.overwrite.into())?;
        }
        Ok(format?)
    }

    /// Writes results that are at hand.
    pub(super) fn write_bytes(&self, results: &[u8]) -> Result<(), Error> {
        outputs::write_bytes_through(self.place(), results)
    }

    /// Writes the results, as [`outputs::write_through`] does.
    pub(super) fn write<T>(
        &self,
        content: impl FnOnce(&mut dyn Write) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut result = None;
        outputs::write_through(self.place(), |out| {
            result = Some(content(out)?);
            Ok(())
        })?;
        Ok(result.expect("the content was written"))
    }
}

/// A choice of formats that the extension of a file can make.
pub(super) trait OutputFormat: Copy + 'static {
    /// Endings in lower case with what they stand for.
    const EXTENSIONS: &'static [(&'static str, Self)];

    /// The format of a file without an extension, or of standard output.
    fn without_extension(output: Option<&Path>) -> Self;

    /// What the output will hold.
    fn wanted(self) -> Wanted;
}

/// The format asked for, or else that of the file's extension.
pub(super) fn chosen<F: OutputFormat>(
    asked: Option<F>,
    output: Option<&Path>,
) -> Result<F, Refusal> {
    let Some((file, extension)) = output.and_then(|file| Some((file, file.extension()?))) else {
        return Ok(asked.unwrap_or_else(|| F::without_extension(output)));
    };
    let extension = extension.to_string_lossy().to_lowercase();
    let known = F::EXTENSIONS.iter().find(|(known, _)| *known == extension);
    let extensions = || {
        let extensions: Vec<_> = F::EXTENSIONS
            .iter()
            .map(|(extension, _)| format!(".{extension}"))
            .collect();
        extensions.join(", ")
    };
    asked.or(known.map(|(_, format)| *format)).ok_or_else(|| {
        Refusal::input(
            format!(
                "the extension of the output `{}` is not a known format",
                file.display()
            ),
            format!("use {}, or give the format with --format", extensions()),
        )
    })
}

/// Refuses a file whose extension says that it holds something else than the one thing that a command writes.
pub(super) fn check_extension(output: &Path, extensions: &[&str]) -> Result<(), Refusal> {
    let Some(extension) = output.extension() else {
        return Ok(());
    };
    let extension = extension.to_string_lossy().to_lowercase();
    if extensions.contains(&&*extension) {
        return Ok(());
    }
    let extensions: Vec<_> = extensions
        .iter()
        .map(|extension| format!(".{extension}"))
        .collect();
    Err(Refusal::input(
        format!(
            "this command does not write .{extension} files such as `{}`",
            output.display()
        ),
        format!("name a {} file", extensions.join(" or ")),
    ))
}

/// How findings are written that are no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FindingsFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

impl OutputFormat for FindingsFormat {
    const EXTENSIONS: &'static [(&'static str, Self)] =
        &[("txt", Self::Text), ("json", Self::Json)];

    fn without_extension(_: Option<&Path>) -> Self {
        Self::Text
    }

    fn wanted(self) -> Wanted {
        match self {
            Self::Text => Wanted::Text,
            Self::Json => Wanted::Json,
        }
    }
}

/// Warns of what the user should know.
pub(super) fn notes(notes: &[String]) {
    let notes = notes.iter().map(|note| with_flags(note));
    notes.for_each(talk::warn);
}

/// The line of an image that could not be used.
pub(super) fn reason(skipped: &Skipped) -> String {
    format!("{}: {}", skipped.path, with_flags(&skipped.reason))
}

/// Names the images that could not be used.
pub(super) fn skipped(skipped: &[Skipped]) {
    let items = skipped.iter().map(reason);
    talk::warn_list(
        format!("{} could not be used", counted(skipped.len(), "image")),
        items,
        "(all of them are in the index)",
    );
}

/// What was left out since it is no image: `ignored 3 other files: 2 .txt, 1 without extension`.
pub(super) fn ignored(counts: &BTreeMap<String, usize>) {
    if let Some(kinds) = ignored_text(counts) {
        let total: usize = counts.values().sum();
        talk::note(format!("ignored {}: {kinds}", counted(total, "other file")));
    }
}

/// Says why `auto` took the CPU, where somebody may wonder: there is a GPU, or more is to be said.
pub(super) fn gpu_not_used(why: Option<&str>) {
    if let Some(why) = why.filter(|_| talk::is_verbose() || has_nvidia_gpu()) {
        talk::say(format!("  no GPU    {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_chooses_unless_the_format_is_said() {
        use FindingsFormat::{Json, Text};
        let of = |asked, file: &str| chosen(asked, Some(Path::new(file))).ok();
        assert_eq!(of(None, "a.json"), Some(Json));
        assert_eq!(of(None, "a.JSON"), Some(Json));
        assert_eq!(of(None, "b.c/a.txt"), Some(Text));
        assert_eq!(of(None, "b.c/a"), Some(Text));
        assert_eq!(of(None, "a.xlsx"), None);
        assert_eq!(of(Some(Json), "a.xlsx"), Some(Json));
        assert_eq!(of(Some(Text), "a.json"), Some(Text));
        assert_eq!(chosen(None, None).ok(), Some(Text));
    }
}
