//! Arguments for the loss and the solver.

use std::path::{Path, PathBuf};

use super::super::number::float;
use super::super::refusal::Refusal;
use super::sgd_args::SgdArgs;
use frostline::head::{
    ClassWeight, FitParams, FitValues, Schedule, Solver, Tunable, read_class_weights,
};

/// Parameters of every fit and those of each solver; the library checks their ranges.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Loss and solver")]
pub(super) struct SolverArgs {
    /// Solver: sgd is stochastic gradient descent; lbfgs is L-BFGS, run to convergence as in scikit-learn's
    /// `LogisticRegression`; linfa finds the same minimum with the crate linfa-logistic, but has no class
    /// weights, label smoothing or --augment.
    #[arg(long, value_enum, default_value_t)]
    solver: SolverArg,
    /// Train on features scaled to mean 0 and standard deviation 1; the head still takes unscaled features.
    #[arg(long)]
    standardize: bool,
    /// Share of each target that is spread over all classes, as in PyTorch.
    #[arg(
        long,
        value_name = "E",
        default_value_t = 0.0,
        allow_hyphen_values = true,
        value_parser = float::<f64>
    )]
    label_smoothing: f64,
    /// Class weights in the loss: none, balanced (rare classes weigh more), or a CSV file with the columns
    /// `class,weight`.
    #[arg(long, value_name = "none|balanced|FILE", default_value = "none")]
    class_weight: String,
    /// Seed for the order of images, dropout and the validation split.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    lbfgs: LbfgsArgs,
    #[command(flatten)]
    sgd: SgdArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "L-BFGS (--solver lbfgs or linfa)")]
struct LbfgsArgs {
    /// L2 penalty on the weights, 1 / C in scikit-learn [default: 1].
    #[arg(long, value_name = "L2", allow_hyphen_values = true, value_parser = float::<f64>)]
    l2: Option<f64>,
    /// Largest gradient entry at convergence [default: 0.000001].
    #[arg(long, value_name = "G", allow_hyphen_values = true, value_parser = float::<f64>)]
    tol: Option<f64>,
    /// Maximum number of iterations [default: 10000].
    #[arg(long, value_name = "N")]
    max_iter: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum SolverArg {
    #[default]
    Sgd,
    Lbfgs,
    Linfa,
}

impl SolverArgs {
    /// Returns the file of class weights, if it is set.
    pub(super) fn class_weight_file(&self) -> Option<PathBuf> {
        let word = ["none", "balanced"].contains(&&*self.class_weight);
        (!word).then(|| PathBuf::from(&self.class_weight))
    }

    /// Returns the searchable parameters that are set.
    pub(super) fn fixed(&self) -> Vec<Tunable> {
        let l2 = self.lbfgs.l2.map(|_| Tunable::L2);
        self.sgd.fixed().chain(l2).collect()
    }

    /// Refuses options that contradict those of other groups, before any work is done.
    pub(super) fn check(&self, validates: bool, augments: bool) -> Result<(), Refusal> {
        let (problem, hint) = if self.sgd.has_patience() && !validates {
            let problem = "`--patience` needs a validation set: it watches the validation loss";
            (
                problem,
                "add --validation FEATURES or --validation-split 0.2",
            )
        } else if augments && matches!(self.solver, SolverArg::Linfa) {
            let problem = "`--augment` is not an option of --solver linfa, which supports one view of each \
                image";
            (problem, "omit it, or choose --solver lbfgs")
        } else {
            return Ok(());
        };
        Err(Refusal::usage(problem, hint))
    }

    /// Returns the parameters of the fit; `schedule` is the default schedule of SGD.
    ///
    /// # Errors
    /// If an option of another solver is set, or the class weights cannot be read.
    pub(super) fn params(&self, schedule: Schedule) -> anyhow::Result<FitParams> {
        let class_weight = match self.class_weight.as_str() {
            "none" => ClassWeight::None,
            "balanced" => ClassWeight::Balanced,
            file => read_class_weights(Path::new(file))?,
        };
        let params = FitParams::new()
            .standardize(self.standardize)
            .label_smoothing(self.label_smoothing)
            .class_weight(class_weight)
            .seed(self.seed);
        match self.solver {
            SolverArg::Sgd => {
                refuse(self.lbfgs.given(), "sgd", "lbfgs")?;
                Ok(self.sgd.apply(params.schedule(schedule))?)
            }
            SolverArg::Lbfgs => {
                refuse(self.sgd.given(), "lbfgs", "sgd")?;
                Ok(self.lbfgs.apply(params.solver(Solver::Lbfgs)))
            }
            SolverArg::Linfa => {
                refuse(self.sgd.given(), "linfa", "sgd")?;
                Ok(self.lbfgs.apply(params.solver(Solver::Linfa)))
            }
        }
    }
}

impl LbfgsArgs {
    fn given(&self) -> Option<&'static str> {
        let Self { l2, tol, max_iter } = self;
        let options = [
            ("--l2", l2.is_some()),
            ("--tol", tol.is_some()),
            ("--max-iter", max_iter.is_some()),
        ];
        options
            .into_iter()
            .find_map(|(name, given)| given.then_some(name))
    }

    fn apply(&self, params: FitParams) -> FitParams {
        let default = FitValues::default();
        params
            .l2(self.l2.unwrap_or(default.l2))
            .tol(self.tol.unwrap_or(default.tol))
            .max_iter(self.max_iter.unwrap_or(default.max_iter))
    }
}

/// Refuses an option of another solver, which would be silently ignored.
fn refuse(given: Option<&str>, solver: &str, other: &str) -> Result<(), Refusal> {
    given.map_or(Ok(()), |option| {
        Err(Refusal::usage(
            format!("`{option}` is an option of --solver {other}, not of --solver {solver}"),
            format!("omit it, or choose --solver {other}"),
        ))
    })
}
