//! Arguments of stochastic gradient descent.

use super::super::refusal::Refusal;
use frostline::head::{FitParams, FitValues, Schedule, Tunable};

/// Parameters of torch.optim.SGD and of the loop around it; ranges are checked by the library.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Stochastic gradient descent (--solver sgd)")]
pub(super) struct SgdArgs {
    /// Learning rate [default: 0.001].
    #[arg(long, value_name = "LR", allow_hyphen_values = true)]
    lr: Option<f32>,
    /// How the learning rate falls, as PyTorch's schedulers stepped once an epoch [default: constant].
    #[arg(long, value_enum)]
    schedule: Option<ScheduleArg>,
    /// Epochs between two falls of --schedule step.
    #[arg(long, value_name = "N")]
    step_size: Option<usize>,
    /// What each fall of --schedule step multiplies the learning rate by [default: 0.1].
    #[arg(long, value_name = "G", allow_hyphen_values = true)]
    gamma: Option<f64>,
    /// Momentum [default: 0.9].
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    momentum: Option<f32>,
    /// Nesterov's momentum.
    #[arg(long)]
    nesterov: bool,
    /// L2 penalty, added to the gradient [default: 0].
    #[arg(long, value_name = "L2", allow_hyphen_values = true)]
    weight_decay: Option<f32>,
    /// Share of the features dropped at random in each step [default: 0].
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    dropout: Option<f32>,
    /// Images a step [default: 32].
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Passes over the training images [default: 25].
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Stop when the validation loss has not fallen for N epochs, and keep the best epoch's head.
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
enum ScheduleArg {
    /// The same throughout.
    Constant,
    /// Half a cosine down to 0 over all epochs.
    Cosine,
    /// Times --gamma after every --step-size epochs.
    Step,
}

impl SgdArgs {
    /// The first option that was given, by its name.
    pub(super) fn given(&self) -> Option<&'static str> {
        // All fields by name: one that was left out here would be passed over in silence by another solver.
        let Self {
            lr,
            schedule,
            step_size,
            gamma,
            momentum,
            nesterov,
            weight_decay,
            dropout,
            batch_size,
            epochs,
            patience,
        } = self;
        let options = [
            ("--lr", lr.is_some()),
            ("--schedule", schedule.is_some()),
            ("--step-size", step_size.is_some()),
            ("--gamma", gamma.is_some()),
            ("--momentum", momentum.is_some()),
            ("--nesterov", *nesterov),
            ("--weight-decay", weight_decay.is_some()),
            ("--dropout", dropout.is_some()),
            ("--batch-size", batch_size.is_some()),
            ("--epochs", epochs.is_some()),
            ("--patience", patience.is_some()),
        ];
        options
            .into_iter()
            .find_map(|(name, given)| given.then_some(name))
    }

    /// What was given of that which a search could change.
    pub(super) fn fixed(&self) -> impl Iterator<Item = Tunable> + use<> {
        let lr = self.lr.map(|_| Tunable::Lr);
        let weight_decay = self.weight_decay.map(|_| Tunable::WeightDecay);
        lr.into_iter().chain(weight_decay)
    }

    pub(super) fn has_patience(&self) -> bool {
        self.patience.is_some_and(|epochs| epochs > 0)
    }

    /// The parameters with those that were given.
    pub(super) fn apply(&self, params: FitParams) -> Result<FitParams, Refusal> {
        let default = FitValues::default();
        let schedule = self.schedule()?.unwrap_or(params.values().schedule);
        Ok(params
            .lr(self.lr.unwrap_or(default.lr))
            .schedule(schedule)
            .momentum(self.momentum.unwrap_or(default.momentum))
            .nesterov(self.nesterov)
            .weight_decay(self.weight_decay.unwrap_or(default.weight_decay))
            .dropout(self.dropout.unwrap_or(default.dropout))
            .batch_size(self.batch_size.unwrap_or(default.batch_size))
            .epochs(self.epochs.unwrap_or(default.epochs))
            .patience(self.patience))
    }

    /// The schedule that was asked for.
    fn schedule(&self) -> Result<Option<Schedule>, Refusal> {
        let schedule = match self.schedule {
            Some(ScheduleArg::Step) => {
                let step_size = self.step_size.ok_or_else(|| {
                    Refusal::usage(
                        "`--schedule step` needs `--step-size`",
                        "say after how many epochs it falls",
                    )
                })?;
                let gamma = self.gamma.unwrap_or(0.1);
                return Ok(Some(Schedule::Step { step_size, gamma }));
            }
            Some(ScheduleArg::Cosine) => Some(Schedule::Cosine),
            Some(ScheduleArg::Constant) => Some(Schedule::Constant),
            None => None,
        };
        if self.step_size.is_some() || self.gamma.is_some() {
            let problem = "`--step-size` and `--gamma` belong to `--schedule step`";
            return Err(Refusal::usage(
                problem,
                "give --schedule step too, or leave them out",
            ));
        }
        Ok(schedule)
    }
}
