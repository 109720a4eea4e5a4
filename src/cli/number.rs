//! Numbers as text: parses whole numbers within a range, since those that determine memory or run time need
//! a limit, parses other numbers without turning them into 0 or infinity, and formats percentages.

use std::str::FromStr;

use frostline::head::{Interval, IntervalMethod};

/// Parses a number from `least` to `most`.
pub(super) fn within(text: &str, least: usize, most: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

/// A floating-point type of an option.
pub(super) trait Float: FromStr + Copy + Into<f64> {
    const LARGEST: f64;
    const SMALLEST: f64;
}

impl Float for f32 {
    const LARGEST: f64 = f32::MAX as f64;
    const SMALLEST: f64 = f32::from_bits(1) as f64;
}

impl Float for f64 {
    const LARGEST: f64 = f64::MAX;
    const SMALLEST: f64 = f64::from_bits(1);
}

/// Parses a number; refuses one that would be rounded to infinity or to 0. The library checks the range of
/// each parameter, but its errors could then not show what was typed.
pub(super) fn float<T: Float>(text: &str) -> Result<T, String> {
    let number: T = text.parse().map_err(|_| "must be a number".to_owned())?;
    let digits = text.split(['e', 'E']).next().unwrap_or_default();
    let is_nonzero = digits.contains(|digit| ('1'..='9').contains(&digit));
    match number.into() {
        rounded if rounded.is_infinite() && is_nonzero => {
            Err(format!("must be at most {:.1e} in size", T::LARGEST))
        }
        0.0 if is_nonzero => Err(format!("must be 0 or at least {:.1e} in size", T::SMALLEST)),
        _ => Ok(number),
    }
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
        IntervalMethod::Bootstrap | IntervalMethod::Normal => "",
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

    #[test]
    fn a_number_is_not_rounded_away() {
        assert_eq!(float("0.001"), Ok(0.001f32));
        assert_eq!(float("-1e-3"), Ok(-0.001f64));
        assert_eq!(float("0e99"), Ok(0f32));
        assert_eq!(float("inf"), Ok(f64::INFINITY));
        assert_eq!(float::<f32>("fast").unwrap_err(), "must be a number");
        for (text, expected) in [
            ("1e999", "must be at most 3.4e38 in size"),
            ("-1e39", "must be at most 3.4e38 in size"),
            ("1e-99", "must be 0 or at least 1.4e-45 in size"),
        ] {
            assert_eq!(float::<f32>(text).unwrap_err(), expected, "{text}");
        }
        assert_eq!(
            float::<f64>("1e999").unwrap_err(),
            "must be at most 1.8e308 in size"
        );
    }
}
