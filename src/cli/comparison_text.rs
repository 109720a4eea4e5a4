//! A comparison of two heads as text for people.

use std::path::Path;

use super::number::{mark, percent};
use super::terminal::Text;
use frostline::head::{Comparison, Difference, McNemarTest};
use frostline::images::path_text::to_text;

pub(super) fn comparison(out: &mut Text, c: &Comparison, other: &Path) {
    out.line("");
    out.line(format_args!("compared with `{}`", to_text(other)));
    let interval = c.accuracy.interval.map_or("", |_| "   95 % interval");
    let line = format!(
        "{:18} {:>8}  {:>8}  {:>12}{interval}",
        "", "this", "other", "difference"
    );
    out.line(line);
    row(out, "accuracy", &c.accuracy, percent, |x| {
        format!("{:+.1} points", 100.0 * x)
    });
    row(
        out,
        "log loss",
        &c.log_loss,
        |x| format!("{x:.4}"),
        |x| format!("{x:+.4}"),
    );
    out.line(format_args!(
        "agreement          both right {}; only this head right {}; only the other right {}; \
        both wrong {}",
        c.both_right, c.only_first_right, c.only_second_right, c.neither_right
    ));
    let test = match c.mcnemar.test {
        McNemarTest::Exact => "exact",
        McNemarTest::ChiSquared => "chi-squared",
    };
    let verdict = if c.mcnemar.is_significant() {
        "significant"
    } else {
        "not significant"
    };
    out.line(format_args!(
        "McNemar's test     the difference in accuracy is {verdict} (p {}, {test})",
        chance(c.mcnemar.p_value)
    ));
}

/// Returns `= 0.0312`, or `< 0.0001` for smaller p-values.
fn chance(p: f64) -> String {
    if p < 0.0001 {
        "< 0.0001".to_owned()
    } else {
        format!("= {p:.4}")
    }
}

fn row(
    out: &mut Text,
    name: &str,
    d: &Difference,
    figure: impl Fn(f64) -> String,
    signed: impl Fn(f64) -> String,
) {
    let interval = d.interval.map_or(String::new(), |i| {
        format!("   {} to {}{}", signed(i.low), signed(i.high), mark(i))
    });
    let [first, second] = [d.first, d.second].map(figure);
    let difference = signed(d.difference);
    out.line(format_args!(
        "{name:18} {first:>8}  {second:>8}  {difference:>12}{interval}"
    ));
}
