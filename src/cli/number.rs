//! Numbers as text: parses whole numbers within a range, since those that determine memory or run time need
//! a limit, and formats percentages.

use frostline::head::{Interval, IntervalMethod};

/// Parses a number from `least` to `most`.
pub(super) fn within(text: &str, least: usize, most: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

/// Returns a share as a percentage with one decimal.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// The mark of Wilson score intervals, which are used if all bootstrap resamples agree.
pub(super) const WILSON_MARK: &str = "*";

/// Returns the mark of an interval.
pub(super) fn mark(interval: Interval) -> &'static str {
    match interval.method {
        IntervalMethod::Bootstrap => "",
        IntervalMethod::Wilson => WILSON_MARK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_within_its_range() {
        assert_eq!(within("0", 0, 3), Ok(0));
        assert_eq!(within("3", 1, 3), Ok(3));
        for text in ["0", "4", "-1", "1.5", "", "99999999999999999999999"] {
            let expected = "must be a whole number from 1 to 3";
            assert_eq!(within(text, 1, 3), Err(expected.to_owned()), "{text}");
        }
    }
}
