//! Text that several commands share, and the output options.

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

/// The permission to replace a file of another kind, shared by the commands that write one file.
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

/// The output of a command that writes to standard output by default.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OutputArgs {
    /// Write to FILE; `-` is standard output [default: -].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

impl OutputArgs {
    /// Returns the file; `None` for standard output.
    pub(super) fn file(&self) -> Option<&Path> {
        let file = self.output.as_deref();
        file.filter(|file| !outputs::is_stdout(file))
    }

    /// Returns the file if there is one already, and it is not to be overwritten.
    pub(super) fn existing(&self) -> Option<&Path> {
        self.file()
            .filter(|file| file.is_file() && !self.overwrite.overwrite)
    }

    /// Returns the name of the output for messages.
    pub(super) fn name(&self) -> &Path {
        outputs::name(self.place())
    }

    fn place(&self) -> &Path {
        self.output.as_deref().unwrap_or(Path::new("-"))
    }

    /// Checks the file before any work is done, and returns the format.
    pub(super) fn check<F: OutputFormat>(
        &self,
        guard: &OutputGuard,
        format: Option<F>,
    ) -> anyhow::Result<F> {
        let format = chosen(format, self.file());
        if let Some(file) = self.file() {
            // The guard comes first: an image is reported as an image, not as an unknown extension.
            let wanted = format
                .as_ref()
                .map_or(Wanted::Text, |format| format.wanted());
            guard.check(file, wanted, self.overwrite.into())?;
        }
        Ok(format?)
    }

    /// Writes results that are in memory.
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

/// A set of formats that file extensions select.
pub(super) trait OutputFormat: Copy + 'static {
    /// Extensions in lower case with their formats.
    const EXTENSIONS: &'static [(&'static str, Self)];

    /// Returns the format of a file without an extension, or of standard output.
    fn without_extension(output: Option<&Path>) -> Self;

    /// Returns what the output will contain.
    fn wanted(self) -> Wanted;
}

/// Returns the requested format, or else that of the file's extension.
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
        Refusal::usage(
            format!("the output `{}` has an unknown extension", file.display()),
            format!("use {}, or set the format with --format", extensions()),
        )
    })
}

/// Refuses a file whose extension does not match the only format that a command writes.
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
    Err(Refusal::usage(
        format!(
            "the output `{}` has the extension .{extension}, which this command does not write",
            output.display()
        ),
        format!("choose a {} file", extensions.join(" or ")),
    ))
}

/// The format of results that are not rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum FindingsFormat {
    /// Text for people.
    #[default]
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

/// Prints notes of a task as warnings.
pub(super) fn notes(notes: &[String]) {
    let notes = notes.iter().map(|note| with_flags(note));
    notes.for_each(talk::warn);
}

/// Returns the line for a skipped image.
pub(super) fn reason(skipped: &Skipped) -> String {
    format!("{}: {}", skipped.path, with_flags(&skipped.reason))
}

/// Lists the skipped images.
pub(super) fn skipped(skipped: &[Skipped]) {
    let items = skipped.iter().map(reason);
    talk::warn_list(
        format!("{} skipped", counted(skipped.len(), "image")),
        items,
        "(the index lists all of them)",
    );
}

/// Notes the ignored files: `ignored 3 non-image files: 2 .txt, 1 without extension`.
pub(super) fn ignored(counts: &BTreeMap<String, usize>) {
    if let Some(kinds) = ignored_text(counts) {
        let total: usize = counts.values().sum();
        let files = counted(total, "non-image file");
        talk::note(format!("ignored {files}: {kinds}"));
    }
}

/// Prints why `auto` chose the CPU, if there is a GPU or `--verbose` is set.
pub(super) fn gpu_not_used(why: Option<&str>) {
    if let Some(why) = gpu_is_missed(why) {
        talk::say(format!("  no GPU    {why}"));
    }
}

/// Returns why `auto` chose the CPU, if somebody would expect a GPU.
pub(super) fn gpu_is_missed(why: Option<&str>) -> Option<&str> {
    why.filter(|_| talk::is_verbose() || has_nvidia_gpu())
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
