//! The table of epochs: a few of them, or all with `--verbose`.

use crate::cli::talk;
use frostline::head::{EpochFigures, Fit};

/// The number of epochs that the table has room for, besides the first and the last.
const ROOM: usize = 8;

/// Prints the first epoch, every n-th and the last while a head is trained.
pub(super) struct Epochs {
    step: usize,
    last: usize,
    shown: usize,
}

impl Epochs {
    /// Creates the table of a fit of at most `epochs` epochs.
    pub(super) fn new(epochs: usize) -> Self {
        Self {
            step: if talk::is_verbose() { 1 } else { step(epochs) },
            last: epochs,
            shown: 0,
        }
    }

    /// Prints an epoch if it is one of those shown.
    pub(super) fn tell(&mut self, figures: &EpochFigures) {
        let epoch = figures.epoch;
        if epoch == 1 {
            let validation = figures.validation;
            let validation = validation.map_or("", |_| "  val loss  val accuracy");
            talk::say(format!("epoch  train loss{validation}"));
        }
        if epoch == 1 || epoch == self.last || epoch.is_multiple_of(self.step) {
            self.row(figures);
        }
    }

    /// Prints the last epoch of a fit that stopped early.
    pub(super) fn end(&mut self, fit: &Fit) {
        let last = fit.history.last();
        if let Some(last) = last.filter(|last| last.epoch > self.shown) {
            self.row(last);
        }
    }

    fn row(&mut self, figures: &EpochFigures) {
        self.shown = figures.epoch;
        let validation = figures
            .validation
            .map(|v| format!("  {:>8.4}  {:>10.1} %", v.loss, 100.0 * v.accuracy));
        talk::say(format!(
            "{:>5}  {:>10.4}{}",
            figures.epoch,
            figures.train_loss,
            validation.unwrap_or_default()
        ));
    }
}

/// Returns the smallest of 1, 2, 5, 10, 20, 50 … of which the epochs have at most [`ROOM`] multiples.
fn step(epochs: usize) -> usize {
    let mut steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    let fits = |step: &usize| epochs / step <= ROOM;
    steps.find(fits).expect("the steps grow without end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_at_most_ten_rows() {
        let steps = [1, 8, 9, 25, 40, 100, 100_000].map(step);
        assert_eq!(steps, [1, 1, 2, 5, 5, 20, 20_000]);
    }
}
