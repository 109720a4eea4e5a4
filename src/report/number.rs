//! Formats numbers for display.

use super::page::{Measure, Unit};
use crate::head::IntervalMethod;
use crate::images;

/// Formats a share as a percentage with one decimal and a no-break space: `97.5 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * share)
}

/// Formats a share as a whole percentage. Only 1 is shown as `100 %`; 99.6 % is `99 %`.
pub(super) fn whole_percent(share: f64) -> String {
    let rounded = (100.0 * share).round();
    let shown = if rounded >= 100.0 && share < 1.0 {
        99.0
    } else {
        rounded
    };
    format!("{shown:.0}\u{a0}%")
}

pub(super) fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => percent(value),
        Unit::Number => format!("{value:.3}"),
    }
}

/// Formats the ends of an interval, as `92.0–97.5 %`, and names its method unless it is the bootstrap.
pub(super) fn interval(measure: Measure, unit: Unit) -> Option<String> {
    let [low, high] = measure.ends()?;
    let ends = match unit {
        Unit::Share => format!("{:.1}–{}", 100.0 * low, percent(high)),
        Unit::Number => format!("{low:.3}–{high:.3}"),
    };
    Some(match measure.interval?.method {
        IntervalMethod::Bootstrap | IntervalMethod::Normal => ends,
        IntervalMethod::Wilson => ends + " (Wilson)",
    })
}

/// Formats a parameter briefly: `0.001`, `3.2e-5`, `0`.
pub(super) fn setting(value: f64) -> String {
    if value == 0.0 || (1e-3..1e4).contains(&value.abs()) {
        let text = format!("{value:.4}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    format!("{value:.1e}").replace(".0e", "e")
}

/// Formats a count with its noun: `1 image`, `2 images`, `1,234 images`.
pub(super) fn count(n: usize, one: &str) -> String {
    format!("{}\u{a0}{one}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// Formats a number with commas between groups of three digits.
pub(super) fn grouped(n: usize) -> String {
    images::grouped(n as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Interval;

    #[test]
    fn numbers_read_well() {
        assert_eq!(percent(0.9749), "97.5\u{a0}%");
        assert_eq!(
            [0.004, 0.505, 0.9951, 1.0].map(whole_percent).join(" "),
            "0\u{a0}% 51\u{a0}% 99\u{a0}% 100\u{a0}%"
        );
        assert_eq!(
            [0.0, 0.001, 0.1, 3.0, 3.16e-5, 1e-6].map(setting).join(" "),
            "0 0.001 0.1 3 3.2e-5 1e-6"
        );
        assert_eq!(
            [5, 999, 1000, 1_234_567].map(grouped).join(" "),
            "5 999 1,000 1,234,567"
        );
        assert_eq!(
            (count(1, "image"), count(0, "image")),
            ("1\u{a0}image".to_owned(), "0\u{a0}images".to_owned())
        );
        let measure = Measure {
            value: 0.95,
            interval: Some(Interval {
                low: 0.92,
                high: 0.975,
                method: IntervalMethod::Bootstrap,
            }),
        };
        assert_eq!(interval(measure, Unit::Share).unwrap(), "92.0–97.5\u{a0}%");
        assert_eq!(interval(measure, Unit::Number).unwrap(), "0.920–0.975");
    }
}
