//! A line search for the strong Wolfe conditions that asks its caller for one value at a time.

/// The share of the predicted decrease that a step must achieve.
const DESCENT: f64 = 1e-4;
/// The share of the initial slope that may remain.
const SLOPE: f64 = 0.9;
/// Relative differences of values below this are rounding errors.
const ROUNDING: f64 = 1e-12;
/// Evaluations after which the search gives up; `SciPy` allows 20, scikit-learn 50.
const TRIALS: usize = 50;

/// The value and the slope along the direction at a step.
#[derive(Debug, Clone, Copy, Default)]
struct At {
    step: f64,
    value: f64,
    slope: f64,
}

/// A search from step 0, where value and slope are known.
///
/// It keeps an interval whose lower end is too steep and whose upper end is too high or has a rising slope,
/// and halves it at least every third time. Where rounding hides the decrease, the slope alone decides (Hager
/// & Zhang 2005, "approximate Wolfe").
#[derive(Debug, Clone, Default)]
pub(crate) struct LineSearch {
    start: At,
    low: At,
    high: Option<At>,
    step: f64,
    trials: usize,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    /// The step is accepted.
    Accepted,
    /// Another step is to be tried: the new [`LineSearch::step`].
    Again,
    /// No step decreases the value.
    Failed,
}

impl LineSearch {
    /// Starts a search from `value` and `slope`, which must be below 0, with `first` as the first step.
    pub(crate) fn new(value: f64, slope: f64, first: f64) -> Self {
        let start = At {
            step: 0.0,
            value,
            slope,
        };
        Self {
            start,
            low: start,
            high: None,
            step: first,
            trials: 0,
        }
    }

    /// Returns the step to try.
    pub(crate) fn step(&self) -> f64 {
        self.step
    }

    /// Returns the value at the start of the search.
    pub(crate) fn start_value(&self) -> f64 {
        self.start.value
    }

    /// Receives the value and the slope at [`step`](Self::step).
    pub(crate) fn receive(&mut self, value: f64, slope: f64) -> Trial {
        let at = At {
            step: self.step,
            value,
            slope,
        };
        self.trials += 1;
        let descends = self.descends(&at);
        if descends && slope.abs() <= -SLOPE * self.start.slope {
            return Trial::Accepted;
        }
        if descends && slope < 0.0 {
            self.low = at;
        } else {
            self.high = Some(at);
        }
        let next = self.next();
        // The interval may be so narrow that no number is left between its ends.
        if self.trials >= TRIALS || self.start.slope >= 0.0 || next <= self.low.step {
            return Trial::Failed;
        }
        self.step = next;
        Trial::Again
    }

    /// Returns whether the value has decreased enough, or is equal up to rounding while the slope shows a
    /// decrease.
    fn descends(&self, at: &At) -> bool {
        let Self { start, .. } = self;
        if !(at.value.is_finite() && at.slope.is_finite()) {
            return false;
        }
        let promised = start.value + DESCENT * at.step * start.slope;
        let rounding = ROUNDING * start.value.abs();
        let flat = at.value <= start.value + rounding;
        at.value <= promised || (flat && at.slope <= (2.0 * DESCENT - 1.0) * start.slope)
    }

    /// Returns the next step: four times the last one until there is an upper end, then the minimum of a
    /// cubic through both ends, kept away from them, or their middle every third time and where the cubic has
    /// no minimum.
    fn next(&self) -> f64 {
        let low = self.low;
        let Some(high) = self.high else {
            return 4.0 * self.step;
        };
        let width = high.step - low.step;
        let middle = low.step + 0.5 * width;
        if self.trials.is_multiple_of(3) {
            return middle;
        }
        match cubic_minimum(&low, &high) {
            Some(step) => step.clamp(low.step + 0.05 * width, high.step - 0.05 * width),
            None => middle,
        }
    }
}

/// Returns the minimum of the cubic through two points (Nocedal & Wright, formula 3.59).
fn cubic_minimum(a: &At, b: &At) -> Option<f64> {
    let width = b.step - a.step;
    let d1 = a.slope + b.slope - 3.0 * (b.value - a.value) / width;
    let d2 = (d1 * d1 - a.slope * b.slope).sqrt();
    let step = b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    step.is_finite().then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(f: impl Fn(f64) -> (f64, f64), first: f64) -> (LineSearch, Trial) {
        let (value, slope) = f(0.0);
        let mut line = LineSearch::new(value, slope, first);
        loop {
            let (value, slope) = f(line.step());
            match line.receive(value, slope) {
                Trial::Again => {}
                end => return (line, end),
            }
        }
    }

    #[test]
    fn the_cubic_of_a_parabola_is_its_minimum() {
        // (t - 3)²: 9 and -6 at 0, 4 and 4 at 5.
        let parabola = |step: f64| At {
            step,
            value: (step - 3.0).powi(2),
            slope: 2.0 * (step - 3.0),
        };
        let step = cubic_minimum(&parabola(0.0), &parabola(5.0)).unwrap();
        assert!((step - 3.0).abs() < 1e-12);
    }

    #[test]
    fn short_and_long_first_steps_both_end_between_the_bounds() {
        // (t - 3)²: the slope may be at most 0.9 · 6, so steps from 0.3 to 5.7 are accepted; steps above
        // 5.9994 decrease the value too little.
        for first in [1e-6, 0.2, 1.0, 5.9, 50.0, 1e9] {
            let (line, end) = search(|t| ((t - 3.0).powi(2), 2.0 * (t - 3.0)), first);
            assert_eq!(end, Trial::Accepted, "{first}");
            assert!((0.3..5.7).contains(&line.step()), "{first}");
        }
    }

    #[test]
    fn uphill_is_given_up() {
        let (_, end) = search(|t| (t * t, 2.0 * t - 1e-9 + 2e-9 * f64::from(t > 0.0)), 1.0);
        assert_eq!(end, Trial::Failed);
    }
}
