//! The metadata of an exported network: what its numbers mean, and where it comes from.

use serde_json::json;

use super::options::{Agreement, ExportInput};
use crate::backbones::BackboneManifest;
use crate::classes::ClassIndex;
use crate::classifier::Predictor;

/// The key of the figures of the comparison, which is written last.
const VERIFICATION: &str = "verification";

/// Returns the entries that are known before the network has run.
pub(super) fn entries(
    predictor: &Predictor,
    backbone: &BackboneManifest,
    input: ExportInput,
) -> Vec<(String, String)> {
    let classes: Vec<&str> = predictor.classes().iter().collect();
    let validation = predictor.metrics().get("validation");
    let validation = validation.cloned().unwrap_or_default();
    let unknown = || "unknown".to_owned();
    let mut entries = vec![
        ("task", "classify".to_owned()),
        ("names", python_dict(predictor.classes())),
        ("classes", json!(classes).to_string()),
        ("temperature", predictor.temperature().value().to_string()),
        ("backbone", backbone.to_toml()),
        ("license", backbone.license.clone().unwrap_or_else(unknown)),
        ("validation", validation.to_string()),
        ("frostline_version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    if input != ExportInput::Tensor {
        // ONNX's keys for images. The network takes RGB, whatever order the backbone takes.
        entries.extend([
            ("Image.BitmapPixelFormat", "Rgb8".to_owned()),
            ("Image.ColorSpaceGamma", "SRGB".to_owned()),
            ("Image.NominalPixelRange", "NominalRange_0_255".to_owned()),
        ]);
    }
    let entries = entries.into_iter();
    entries
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Returns the entry with the figures of the comparison.
pub(super) fn verification(agreement: &Agreement) -> (&'static str, String) {
    let figures = serde_json::to_string(agreement);
    (VERIFICATION, figures.expect("numbers have a JSON form"))
}

/// Returns the classes as a dictionary of Python, as Ultralytics writes them: `{0: 'cat', 1: 'dog'}`.
fn python_dict(classes: &ClassIndex) -> String {
    let entries = classes.iter().enumerate();
    let entries: Vec<String> = entries
        .map(|(index, name)| format!("{index}: {}", python_text(name)))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

/// Returns a literal of a Python string.
fn python_text(text: &str) -> String {
    let mut literal = String::from("'");
    for c in text.chars() {
        match c {
            '\\' | '\'' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() => literal.extend([format!("\\x{:02x}", u32::from(c))]),
            // Line separators, which end a line for some parsers.
            '\u{2028}' | '\u{2029}' => literal.extend([format!("\\u{:04x}", u32::from(c))]),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ast.literal_eval` of Python 3.11 returns the same names.
    #[test]
    fn names_are_a_dictionary_of_python() {
        let names = ["it's", "a\\b", "two\nlines", "\u{7}", "Äpfel", "\"{x}\""];
        let classes = ClassIndex::from_ordered(names.map(str::to_owned).to_vec());
        assert_eq!(
            python_dict(&classes.unwrap()),
            r#"{0: 'it\'s', 1: 'a\\b', 2: 'two\nlines', 3: '\x07', 4: 'Äpfel', 5: '"{x}"'}"#
        );
    }
}
