//! `frostline label`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Outcome;
use super::backbone_args::BackboneArgs;
use super::bar::Bar;
use super::decoding_args::DecodingArgs;
use super::errors::with_flags;
use super::examples::examples;
use super::input_args::InputArgs;
use super::run_args::RunArgs;
use super::terminal::{self, Text};
use super::{signals, talk};
use frostline::backbones::Home;
use frostline::label::{Finished, LabelEvent, LabelHost, Labeller, LabellerOptions, serve};
use frostline::phrases::counted;
use frostline::tasks::ExtractOptions;

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Label file to read and write, with the columns path and label. Every action is also in its journal,
    /// FILE.journal.
    #[arg(long, value_name = "FILE", default_value = "labels.csv")]
    labels: PathBuf,
    /// Classes to begin with; others can be made on the page.
    #[arg(long, value_name = "CLASS,…", value_delimiter = ',')]
    classes: Vec<String>,
    /// Begin with the folders of the images as labels, if there is no label file yet.
    #[arg(long)]
    from_folders: bool,
    /// Feature store to keep the features in, a folder; features already in it are reused [default: the label
    /// file's name with the extension features].
    #[arg(long, value_name = "FEATURES")]
    features: Option<PathBuf>,
    /// Port on this machine to listen on; 0 chooses a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    backbone: BackboneArgs,
    #[command(flatten)]
    decoding: DecodingArgs,
}

const EXAMPLES: &str = examples! {
    "Label the images in a folder; open the address that is printed in a browser":
    "frostline label photos"
    "Begin with three classes, and keep the labels in a file of their own":
    "frostline label photos --labels pets.csv --classes cat,dog,other"
    "Check the labels of images that are already in folders":
    "frostline label photos --from-folders"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let options = args.options(home)?;
    signals::listen();
    let host = Host {
        extract: extract_args(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned())),
    };
    let (labeller, scan) = Labeller::open(options, Arc::new(host), &Bar::default())?;
    serve(&labeller, scan)?;
    Ok(Outcome::AllRight)
}

impl Args {
    fn options(self, home: Home) -> anyhow::Result<LabellerOptions> {
        let beside = || LabellerOptions::store_beside(&self.labels);
        let store = self.features.unwrap_or_else(beside);
        let mut extract = ExtractOptions::new(self.input.images()?, store, home.clone());
        extract.overrides = self.backbone.overrides();
        extract.backbone = self.backbone.backbone;
        extract.decoding = self.decoding.options();
        extract.batch_size = self.run.batch_size;
        extract.run = self.run.options(home);
        let mut options = LabellerOptions::new(extract, self.labels);
        options.classes = self.classes;
        options.from_folders = self.from_folders;
        options.port = self.port;
        Ok(options)
    }
}

/// Prints the address on standard output, and everything else on standard error.
struct Host {
    /// The arguments that `extract` takes too.
    extract: Vec<String>,
}

impl LabelHost for Host {
    fn event(&self, event: &LabelEvent) {
        match event {
            LabelEvent::Listening { page } => {
                let mut text = Text::new();
                text.line(page);
                // Without a reader, the page can still be used.
                let _ = terminal::print(&text);
                talk::say("open this address in a browser; Ctrl-C ends the session");
            }
            LabelEvent::Note(said) => talk::note(said),
            LabelEvent::Extracting { images } => {
                talk::say(format!(
                    "computing the features of {}",
                    counted(*images, "image")
                ));
            }
            LabelEvent::Ready { images, skipped } => talk::say(format!(
                "{} ready, {skipped} skipped",
                counted(*images, "image")
            )),
            LabelEvent::Failed(said) => {
                talk::warn(format!("features cannot be computed: {}", with_flags(said)));
            }
            LabelEvent::Stopping => talk::say("the labels are saved"),
            _ => {}
        }
    }

    fn is_stopped(&self) -> bool {
        signals::came()
    }

    fn worded(&self, note: &str) -> String {
        with_flags(note)
    }

    fn commands(&self, finished: &Finished) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let (features, labels) = (path(&finished.features), path(&finished.labels));
        let head = path(&finished.head);
        let mut extract = vec!["extract".to_owned()];
        extract.extend(self.extract.iter().cloned());
        extract.extend(["-o".to_owned(), features.clone()]);
        let mut fit = words(&[
            "fit-head", &features, "--labels", &labels, "--solver", "lbfgs",
        ]);
        fit.extend(words(&["--folds", &finished.folds.to_string()]));
        if let Some(rate) = finished.reject {
            fit.extend(words(&["--reject", &rate.to_string()]));
        }
        fit.extend(words(&["-o", &head]));
        let report = finished.report.as_deref().map(|page| {
            let mut report = words(&["report", &features, "--labels", &labels, "--head", &head]);
            if let Some(images) = finished.images.as_deref() {
                report.extend(words(&["--images", &path(images)]));
            }
            report.extend(words(&["-o", &path(page)]));
            report
        });
        let commands = [Some(extract), Some(fit), report].into_iter().flatten();
        commands.map(|words| command(&words)).collect()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Returns a command line for a shell.
fn command(words: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = words.iter().map(|word| {
        if !word.is_empty() && word.chars().all(is_plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    let quoted: Vec<String> = quoted.collect();
    format!("frostline {}", quoted.join(" "))
}

/// Options that only `label` has, with whether a value follows.
const OWN: &[(&str, bool)] = &[
    ("--labels", true),
    ("--classes", true),
    ("--features", true),
    ("--port", true),
    ("--from-folders", false),
];

/// Returns the arguments of this command that `extract` takes too.
fn extract_args(args: impl Iterator<Item = String>) -> Vec<String> {
    let mut args = args.skip(1);
    let mut kept = Vec::new();
    let mut is_command = true;
    while let Some(arg) = args.next() {
        let (name, has_value) = match arg.split_once('=') {
            Some((name, _)) => (name, true),
            None => (&*arg, false),
        };
        match OWN.iter().find(|(own, _)| *own == name) {
            Some((_, true)) if !has_value => drop(args.next()),
            Some(_) => {}
            // The name of the command, which global options may precede.
            None if is_command && arg == "label" => is_command = false,
            None => kept.push(arg),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extract_gets_the_arguments_that_it_knows() {
        let line = "frostline -q label label --labels a.csv --classes=x,y --backbone vgg19 --port 0 \
                    --from-folders --features f b";
        let args = extract_args(line.split_whitespace().map(str::to_owned));
        assert_eq!(args, ["-q", "label", "--backbone", "vgg19", "b"]);
    }

    #[test]
    fn a_shell_reads_the_words_as_they_are() {
        let line = command(&words(&["extract", "my photos", "it's", "a-b_c.jpg", ""]));
        assert_eq!(
            line,
            r"frostline extract 'my photos' 'it'\''s' a-b_c.jpg ''"
        );
    }
}
