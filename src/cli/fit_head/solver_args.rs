//! Arguments on the loss and on who minimises it.

use std::path::{Path, PathBuf};

use super::super::refusal::Refusal;
use super::sgd_args::SgdArgs;
use frostline::head::{
    ClassWeight, FitParams, FitValues, Schedule, Solver, Tunable, read_class_weights,
};

/// Parameters of every fit, and those of each solver; ranges are checked by the library.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Loss and solver")]
pub(super) struct SolverArgs {
    /// Stochastic gradient descent, L-BFGS to the minimum (as scikit-learn's `LogisticRegression`), or the
    /// same minimum by the crate linfa-logistic, without class weights, label smoothing and --augment.
    #[arg(long, value_enum, default_value_t)]
    solver: SolverArg,
    /// Train on features of mean 0 and standard deviation 1; the head takes features as they are either way.
    #[arg(long)]
    standardize: bool,
    /// Share of each target that is spread over all classes, as PyTorch does.
    #[arg(
        long,
        value_name = "E",
        default_value_t = 0.0,
        allow_hyphen_values = true
    )]
    label_smoothing: f64,
    /// Weight of each class in the loss: none, balanced (the rarer, the heavier), or a CSV file
    /// `class,weight`.
    #[arg(long, value_name = "none|balanced|FILE", default_value = "none")]
    class_weight: String,
    /// Of the order of images, of dropout and of the validation split.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    lbfgs: LbfgsArgs,
    #[command(flatten)]
    sgd: SgdArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "To the minimum (--solver lbfgs or linfa)")]
struct LbfgsArgs {
    /// L2 penalty on the weight, scikit-learn's 1 / C [default: 1].
    #[arg(long, value_name = "L2", allow_hyphen_values = true)]
    l2: Option<f64>,
    /// Largest entry of the gradient to end with [default: 0.000001].
    #[arg(long, value_name = "G", allow_hyphen_values = true)]
    tol: Option<f64>,
    /// Steps to take at most [default: 10000].
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
    /// The table of class weights, where one was given.
    pub(super) fn class_weight_file(&self) -> Option<PathBuf> {
        let word = ["none", "balanced"].contains(&&*self.class_weight);
        (!word).then(|| PathBuf::from(&self.class_weight))
    }

    /// What was given of that which a search could change.
    pub(super) fn fixed(&self) -> Vec<Tunable> {
        let l2 = self.lbfgs.l2.map(|_| Tunable::L2);
        self.sgd.fixed().chain(l2).collect()
    }

    /// Refuses options that contradict those of other groups, before any work.
    pub(super) fn check(&self, validates: bool, augments: bool) -> Result<(), Refusal> {
        let (problem, hint) = if self.sgd.has_patience() && !validates {
            let problem = "`--patience` needs a validation set, whose loss it watches";
            (
                problem,
                "give --validation FEATURES or --validation-split 0.2",
            )
        } else if augments && matches!(self.solver, SolverArg::Linfa) {
            let problem = "`--augment` is not an option of --solver linfa, which takes one view of each \
                image";
            (problem, "leave it out, or choose --solver lbfgs")
        } else {
            return Ok(());
        };
        Err(Refusal::usage(problem, hint))
    }

    /// `schedule` is that of SGD where none was given.
    ///
    /// # Errors
    /// When an option of the other solver was given, or the class weights cannot be read.
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

/// An option that would be passed over in silence is none.
fn refuse(given: Option<&str>, solver: &str, other: &str) -> Result<(), Refusal> {
    given.map_or(Ok(()), |option| {
        Err(Refusal::usage(
            format!("`{option}` is an option of --solver {other}, not of --solver {solver}"),
            format!("leave it out, or choose --solver {other}"),
        ))
    })
}
