//! `frostline worker`.

use std::env;
use std::io::{IsTerminal, Write, stdin};
use std::path::Path;
use std::process::Command;

use anyhow::bail;

use super::backbone_args::BackboneArgs;
use super::decoding_args::DecodingArgs;
use super::examples::examples;
use super::extract::DtypeArg;
use super::output::{gpu_not_used, notes};
use super::refusal::Refusal;
use super::run_args::RunArgs;
use super::{Outcome, talk};
use frostline::backbones::Home;
use frostline::error::Error;
use frostline::features::{Columns, Isolated, Served, Worker, isolate};
use frostline::outputs;
use frostline::phrases::counted;
use frostline::tasks::{OutputGuard, Overwrite, Wanted, WorkerOptions};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Column with the images: binary for their bytes, text for paths, or a struct with the fields `bytes`
    /// and `path` [default: `image`, `bytes` or `path`].
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// Return the column with the images too. Paths are always returned.
    #[arg(long)]
    keep_image: bool,
    /// Type of the returned values: f32, or f16 for half the space.
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeArg,
    /// Compute in this process, so that an image that crashes it ends the stream. By default, a child process
    /// computes; if an image crashes it, its status is `failed` and another process takes over.
    #[arg(long)]
    no_isolation: bool,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    backbone: BackboneArgs,
    #[command(flatten)]
    decoding: DecodingArgs,
}

const EXAMPLES: &str = examples! {
    "Compute the features of a table whose column `path` names files":
    "python3 paths.py | frostline worker > features.arrows"
    "Use another backbone, for images in the column `photo`":
    "python3 photos.py | \\
       frostline worker --backbone vgg19 --column photo > features.arrows"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    if stdin().is_terminal() {
        bail!(Refusal::input(
            "standard input is a terminal, not an Arrow IPC stream",
            "start it from a program that writes a stream; see `frostline worker --help`",
        ));
    }
    let out = Path::new("-");
    OutputGuard::new().check(out, Wanted::ArrowStream, Overwrite::Refuse)?;
    let mut served = None;
    let isolated = !args.no_isolation;
    let options = args.options(home);
    outputs::write_through(out, |out| {
        served = Some(if isolated {
            in_child(&options.columns, out)?
        } else {
            let served = here(&options, out)?;
            let mut alone = Isolated::default();
            alone.served = served;
            alone
        });
        Ok(())
    })?;
    if let Some(served) = served.filter(|_| isolated) {
        tell(&served);
    }
    Ok(Outcome::AllRight)
}

/// Computes in a process with the same arguments.
fn in_child(columns: &Columns, out: &mut (dyn Write + Send)) -> Result<Isolated, Error> {
    let program = env::current_exe().map_err(Error::io("find", "this program"))?;
    let command = || {
        let mut command = Command::new(&program);
        command.args(env::args_os().skip(1)).arg("--no-isolation");
        command
    };
    isolate(&command, columns, stdin(), out)
}

fn here(options: &WorkerOptions, out: &mut (dyn Write + Send)) -> Result<Served, Error> {
    let mut worker = options.open()?;
    tell_how(&worker, options.run.threads);
    worker.serve(stdin(), out)
}

impl Args {
    fn options(self, home: Home) -> WorkerOptions {
        let mut options = WorkerOptions::new(home.clone());
        options.overrides = self.backbone.overrides();
        options.backbone = self.backbone.backbone;
        options.decoding = self.decoding.options();
        options.batch_size = self.run.batch_size;
        options.run = self.run.options(home);
        options.dtype = self.dtype.into();
        options.columns.image = self.column;
        options.columns.keep_image = self.keep_image;
        options
    }
}

fn tell_how(worker: &Worker, threads: usize) {
    let network = worker.network();
    notes(&network.notes());
    let (spec, engine) = (&network.spec.backbone, &network.engine);
    talk::say(format!(
        "ready: {}, {} features, {} ({}, {}, {})",
        spec.name,
        spec.num_features,
        engine.device,
        engine.runtime,
        engine.arithmetic(),
        counted(threads, "thread")
    ));
    gpu_not_used(worker.why_not_gpu());
}

fn tell(isolated: &Isolated) {
    let Served { rows, without, .. } = isolated.served;
    if isolated.restarts > 0 {
        talk::warn(format!(
            "the worker process crashed {}; {} `failed`",
            counted(isolated.restarts as usize, "time"),
            match isolated.failed {
                1 => "1 row is".to_owned(),
                n => format!("{} are", counted(n as usize, "row")),
            }
        ));
    }
    if rows > 0 {
        let without = without as usize;
        talk::say(format!(
            "{} answered, {} without features",
            counted(rows as usize, "row"),
            if without == 0 {
                "none".to_owned()
            } else {
                without.to_string()
            }
        ));
    }
}
