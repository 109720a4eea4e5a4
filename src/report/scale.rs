//! Maps values to positions on an axis, and picks round tick values.

/// A linear axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// The values at its two ends, in ascending order.
    domain: [f64; 2],
    /// The positions of the two ends, in user units.
    range: [f64; 2],
}

impl Scale {
    /// Creates an axis for the range `domain`. A range of a single value is widened to both sides.
    pub(super) fn new(domain: [f64; 2], range: [f64; 2]) -> Self {
        let [low, high] = domain;
        let domain = if high > low {
            domain
        } else {
            [low - 0.5, low + 0.5]
        };
        Self { domain, range }
    }

    /// Returns the minimum and maximum of the finite values; `None` if there are none.
    pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
        values.filter(|v| v.is_finite()).fold(None, |extent, v| {
            let [low, high] = extent.unwrap_or([v, v]);
            Some([low.min(v), high.max(v)])
        })
    }

    /// Returns the position of a value; values out of range are clamped to the ends.
    pub(super) fn at(&self, value: f64) -> f64 {
        let [low, high] = self.domain;
        let part = ((value - low) / (high - low)).clamp(0.0, 1.0);
        let [from, to] = self.range;
        ((from + part * (to - from)) * 10.0).round() / 10.0
    }

    pub(super) fn range(&self) -> [f64; 2] {
        self.range
    }

    /// Returns about `wanted` round values within the domain, spaced by 1, 2 or 5 times a power of ten.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<f64> {
        let [low, high] = self.domain;
        let step = round_step((high - low) / wanted.max(1) as f64);
        let (first, last) = (
            (low / step - 1e-9).ceil() as i64,
            (high / step + 1e-9).floor() as i64,
        );
        (first..=last).map(|k| k as f64 * step).collect()
    }

    /// Like [`ticks`](Self::ticks), but returns whole numbers only.
    pub(super) fn whole_ticks(&self, wanted: usize) -> Vec<f64> {
        let mut ticks = self.ticks(wanted);
        ticks.retain(|tick| (tick - tick.round()).abs() < 1e-9);
        ticks
    }
}

/// Returns the smallest of …, 1, 2, 5, 10, … that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    steps
        .into_iter()
        .find(|step| *step >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_the_ends() {
        let down = Scale::new([0.0, 1.0], [200.0, 10.0]);
        let places = [0.0, 0.5, 1.0, 7.0].map(|v| down.at(v).to_string());
        assert_eq!(places.join(" "), "200 105 10 10");
        assert!((Scale::new([3.0, 3.0], [0.0, 10.0]).at(3.0) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_round() {
        let ticks = |low, high, wanted| Scale::new([low, high], [0.0, 1.0]).ticks(wanted);
        let near = |ticks: Vec<f64>, known: &[f64]| {
            ticks.len() == known.len() && ticks.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-9)
        };
        assert!(near(ticks(0.0, 1.0, 5), &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]));
        assert!(near(ticks(0.91, 0.97, 3), &[0.92, 0.94, 0.96]));
        assert!(near(ticks(1.0, 25.0, 5), &[5.0, 10.0, 15.0, 20.0, 25.0]));
        let few = Scale::new([1.0, 3.0], [0.0, 1.0]);
        assert!(near(few.whole_ticks(6), &[1.0, 2.0, 3.0]));
    }

    #[test]
    fn the_extent_leaves_out_what_is_no_number() {
        let extent = Scale::extent([2.0, f64::NAN, -1.0, f64::INFINITY].into_iter());
        assert_eq!(extent, Some([-1.0, 2.0]));
        assert_eq!(Scale::extent(std::iter::empty()), None);
    }
}
