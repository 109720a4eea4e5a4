//! The files of a model in a repository of Triton.

use std::path::Path;

use super::described::Described;
use crate::backbones::{Port, PortType};
use crate::classes::ClassIndex;

/// The name of the file with the classes.
pub(super) const LABELS: &str = "labels.txt";

/// Returns one line for each class.
pub(super) fn labels(classes: &ClassIndex) -> String {
    let line = |name: &str| name.replace(['\n', '\r'], " ") + "\n";
    classes.iter().map(line).collect()
}

/// The largest batch that Triton forms.
const LARGEST_BATCH: usize = 64;

/// Returns the name of a model, which is that of its folder; the folder may be given as `.` or `..`.
pub(super) fn name(folder: &Path) -> Option<String> {
    let whole = folder.file_name().is_none().then(|| folder.canonicalize());
    let whole = whole.transpose().ok()?;
    let name = whole.as_deref().unwrap_or(folder).file_name()?;
    Some(name.to_string_lossy().into_owned())
}

/// Returns the model's configuration. If the batch is free, lengths do not include it.
pub(super) fn config(name: &str, described: &Described<'_>) -> String {
    let is_free = |end: &Port| end.dims.first().is_some_and(|&length| length < 0);
    let is_batched = described.inputs.iter().all(is_free);
    let batch = if is_batched { LARGEST_BATCH } else { 0 };
    let mut text = format!(
        "name: {}\nplatform: \"onnxruntime_onnx\"\nmax_batch_size: {batch}\n",
        quoted(name)
    );
    let ends = [("input", &described.inputs), ("output", &described.outputs)];
    for (field, ends) in ends {
        let ends = ends.iter().map(|end| port(field, end, is_batched));
        text.extend(ends);
    }
    text
}

/// Returns the description of an input or output.
fn port(field: &str, end: &Port, is_batched: bool) -> String {
    let dims = &end.dims[usize::from(is_batched).min(end.dims.len())..];
    let lengths: Vec<String> = dims.iter().map(ToString::to_string).collect();
    let kind = match end.kind {
        PortType::Float32 => "TYPE_FP32",
        PortType::UInt8 => "TYPE_UINT8",
        PortType::Bool => "TYPE_BOOL",
    };
    // Triton needs at least one length, and a single value for each image has none.
    let dims = if lengths.is_empty() {
        "dims: [ 1 ]\n  reshape: { shape: [ ] }".to_owned()
    } else {
        format!("dims: [ {} ]", lengths.join(", "))
    };
    let labels = if end.name == "probabilities" {
        format!("\n  label_filename: {}", quoted(LABELS))
    } else {
        String::new()
    };
    let name = quoted(&end.name);
    format!("{field} {{\n  name: {name}\n  data_type: {kind}\n  {dims}{labels}\n}}\n")
}

/// Returns a text literal of protocol buffers.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::Preprocessing;

    #[test]
    fn a_model_has_the_name_of_its_folder() {
        let name = |folder: &str| name(Path::new(folder));
        assert_eq!(name("models/cats"), Some("cats".to_owned()));
        let here = std::env::current_dir().unwrap();
        let here = here
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        assert_eq!(name("."), here);
        assert_eq!([name("/"), name("no-such/..")], [None, None]);
    }

    #[test]
    fn triton_gets_lengths_without_the_batch() {
        let end = |name: &str, kind, dims: &[i64]| Port {
            name: name.to_owned(),
            kind,
            dims: dims.to_vec(),
        };
        let (classes, preprocessing) = (ClassIndex::default(), Preprocessing::default());
        let described = |batch| Described {
            classes: &classes,
            preprocessing: &preprocessing,
            inputs: vec![end("images", PortType::UInt8, &[batch, 224, 224, 3])],
            outputs: vec![
                end("probabilities", PortType::Float32, &[batch, 2]),
                end("unknown", PortType::Bool, &[batch]),
            ],
            has_data: false,
        };
        let free = "name: \"my \\\"photos\\\"\"\nplatform: \"onnxruntime_onnx\"\nmax_batch_size: 64\n\
            input {\n  name: \"images\"\n  data_type: TYPE_UINT8\n  dims: [ 224, 224, 3 ]\n}\n\
            output {\n  name: \"probabilities\"\n  data_type: TYPE_FP32\n  dims: [ 2 ]\n  \
            label_filename: \"labels.txt\"\n}\n\
            output {\n  name: \"unknown\"\n  data_type: TYPE_BOOL\n  dims: [ 1 ]\n  \
            reshape: { shape: [ ] }\n}\n";
        assert_eq!(config("my \"photos\"", &described(-1)), free);
        let fixed = config("a", &described(1));
        assert!(fixed.contains("max_batch_size: 0\n"));
        assert!(
            fixed.contains("dims: [ 1, 224, 224, 3 ]")
                && fixed.contains("TYPE_BOOL\n  dims: [ 1 ]\n}")
        );
    }
}
