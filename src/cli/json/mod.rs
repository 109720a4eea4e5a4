//! Results as JSON for programs: one object for each command. Those that the Python module returns too are in
//! [`frostline::results`].
//!
//! `docs/schemas` has a schema for each of them, which describes every field. `tests/it/json/`
//! validates the results.

pub(super) mod doctor;
pub(super) mod models;

use std::path::Path;

use serde::Serialize;

use frostline::error::Result;
use frostline::outputs;

/// Returns a result as JSON. NaN and infinities, which JSON cannot represent, become null.
pub(super) fn text(result: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(result);
    text.expect("text, numbers and lists have a JSON form") + "\n"
}

/// Writes a result to standard output.
pub(super) fn print(result: &impl Serialize) -> Result<()> {
    outputs::write_bytes_through(Path::new("-"), text(result).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_finite() {
        assert_eq!(text(&[0.93f32, 1e-7]), "[\n  0.93,\n  1e-7\n]\n");
        assert_eq!(text(&[f64::NAN, f64::INFINITY]), "[\n  null,\n  null\n]\n");
    }
}
