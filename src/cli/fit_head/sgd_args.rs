//! Arguments of stochastic gradient descent.

use super::super::number::float;
use super::super::refusal::Refusal;
use frostline::head::{FitParams, FitValues, Schedule, Tunable};

/// Parameters of torch.optim.SGD and of the training loop; the library checks their ranges.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Stochastic gradient descent (--solver sgd)")]
pub(super) struct SgdArgs {
    /// Learning rate [default: 0.001].
    #[arg(long, value_name = "LR", allow_hyphen_values = true, value_parser = float::<f32>)]
    lr: Option<f32>,
    /// Learning rate schedule, as PyTorch's schedulers stepped once per epoch [default: constant].
    #[arg(long, value_enum)]
    schedule: Option<ScheduleArg>,
    /// Epochs between two reductions of the learning rate with --schedule step.
    #[arg(long, value_name = "N")]
    step_size: Option<usize>,
    /// Factor of each reduction of the learning rate with --schedule step [default: 0.1].
    #[arg(long, value_name = "G", allow_hyphen_values = true, value_parser = float::<f64>)]
    gamma: Option<f64>,
    /// Momentum [default: 0.9].
    #[arg(long, value_name = "M", allow_hyphen_values = true, value_parser = float::<f32>)]
    momentum: Option<f32>,
    /// Use Nesterov momentum.
    #[arg(long)]
    nesterov: bool,
    /// L2 penalty, added to the gradient [default: 0].
    #[arg(long, value_name = "L2", allow_hyphen_values = true, value_parser = float::<f32>)]
    weight_decay: Option<f32>,
    /// Share of the features dropped at random in each step [default: 0].
    #[arg(long, value_name = "P", allow_hyphen_values = true, value_parser = float::<f32>)]
    dropout: Option<f32>,
    /// Images per step [default: 32].
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Passes over the training images [default: 25].
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Stop when the validation loss has not improved for N epochs, and keep the head of the best epoch.
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
enum ScheduleArg {
    /// The same learning rate in all epochs.
    Constant,
    /// Half a cosine, down to 0 over all epochs.
    Cosine,
    /// Multiply by --gamma after every --step-size epochs.
    Step,
}

impl SgdArgs {
    /// Returns the name of the first option that is set.
    pub(super) fn given(&self) -> Option<&'static str> {
        // All fields by name: an option that is missing here would be silently ignored by another solver.
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

    /// Returns the searchable parameters that are set.
    pub(super) fn fixed(&self) -> impl Iterator<Item = Tunable> + use<> {
        let lr = self.lr.map(|_| Tunable::Lr);
        let weight_decay = self.weight_decay.map(|_| Tunable::WeightDecay);
        lr.into_iter().chain(weight_decay)
    }

    pub(super) fn has_patience(&self) -> bool {
        self.patience.is_some_and(|epochs| epochs > 0)
    }

    /// Returns the parameters with those that are set.
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

    /// Returns the schedule, if it is set.
    fn schedule(&self) -> Result<Option<Schedule>, Refusal> {
        let schedule = match self.schedule {
            Some(ScheduleArg::Step) => {
                let step_size = self.step_size.ok_or_else(|| {
                    Refusal::usage(
                        "`--schedule step` needs `--step-size`",
                        "set the number of epochs between reductions",
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
            return Err(Refusal::usage(problem, "add --schedule step, or omit them"));
        }
        Ok(schedule)
    }
}
