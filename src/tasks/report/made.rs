//! The provenance of a report: the head, its features and the report itself, as names and values.

use std::path::Path;

use serde_json::Value;

use super::captions;
use super::options::ReportOptions;
use crate::backbones::Engine;
use crate::head::{Bootstrap, HeadFile};
use crate::images::path_text::{for_terminal, to_text};
use crate::phrases::counted;
use crate::report::Provenance;
use crate::tasks::labelled_predictions::LabelledPredictions;

pub(super) fn groups(
    options: &ReportOptions,
    head: &HeadFile,
    labelled: &LabelledPredictions,
) -> Vec<Provenance> {
    let group = |name: &str, facts| Provenance {
        name: name.to_owned(),
        facts,
    };
    vec![
        group("Backbone", flat(&head.manifest["backbone"])),
        group("Preprocessing", preprocessing(head)),
        group("Training", training(head)),
        group("Feature extraction", computed(&labelled.engine)),
        group("Evaluated images", evaluated(options, labelled)),
        group("Report", this_report(options)),
    ]
}

/// Returns where the labels are from, and how many of the images the head was trained on, or validated on.
fn evaluated(options: &ReportOptions, labelled: &LabelledPredictions) -> Facts {
    let file = labelled.laid_labels.as_ref().map(|laid| laid.file.clone());
    let only = options.input.only.as_ref();
    let split = only.map(|only| format!("{} of {}", only.split, to_text(&only.file)));
    let from = [("labels", file), ("split", split)];
    let from = from
        .into_iter()
        .filter_map(|(name, file)| Some((name, for_terminal(&file?))));
    let overlap = labelled.training_overlap;
    let counts = [
        ("new to the head", overlap.new),
        ("held out for validation", overlap.held_out),
        ("evaluated out of fold", overlap.out_of_fold),
        ("trained on, included", overlap.training),
        ("trained on, excluded", overlap.left_out),
    ];
    let counts = counts.into_iter().filter(|(_, n)| *n > 0);
    let counts = counts.map(|(name, n)| (name, n.to_string()));
    let facts = from.chain(counts);
    facts
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn preprocessing(head: &HeadFile) -> Facts {
    let parts = ["preprocessing", "decoding"]
        .into_iter()
        .map(|key| &head.manifest[key]);
    let mut facts: Facts = parts.flat_map(flat).collect();
    facts.push(("views".to_owned(), text(&head.manifest["views"])));
    facts
}

/// Parameters that only SGD has, that the others have, and that linfa-logistic lacks, as in [`FitValues`].
///
/// [`FitValues`]: crate::head::FitValues
const OF_SGD: [&str; 10] = [
    "lr",
    "schedule",
    "momentum",
    "weight_decay",
    "nesterov",
    "dropout",
    "batch_size",
    "epochs",
    "patience",
    "seed",
];
const OF_MINIMISERS: [&str; 3] = ["l2", "tol", "max_iter"];
const NOT_OF_LINFA: [&str; 2] = ["label_smoothing", "class_weight"];

/// Returns the parameters that the solver uses.
fn parameters(params: &Value) -> Facts {
    let unused = match params["solver"].as_str() {
        Some("sgd") => OF_MINIMISERS.to_vec(),
        Some("lbfgs") => OF_SGD.to_vec(),
        Some("linfa") => [&OF_SGD[..], &NOT_OF_LINFA].concat(),
        _ => Vec::new(),
    };
    let mut used = params.clone();
    if let Value::Object(entries) = &mut used {
        entries.retain(|key, _| !unused.contains(&key.as_str()));
    }
    flat(&used)
}

/// Returns the parameters of the fit, the number of images, the temperature and the rejection.
fn training(head: &HeadFile) -> Facts {
    let mut facts = parameters(&head.params);
    for (key, name) in [
        ("n_train", "training images"),
        ("n_validation", "validation images"),
    ] {
        if let Some(value) = head.metrics.get(key) {
            facts.push((name.to_owned(), text(value)));
        }
    }
    let temperature = match head.temperature.value() {
        1.0 => "1 (probabilities unchanged)".to_owned(),
        value => short(value),
    };
    facts.push(("temperature".to_owned(), temperature));
    if let Some(rejection) = &head.rejection {
        let rule = rejection.rule();
        facts.push(("rejection rate".to_owned(), short(rule.rate)));
        facts.push((
            "rejection threshold".to_owned(),
            format!("cosine {:.3}", rule.threshold),
        ));
    } else {
        facts.push(("rejection".to_owned(), "none".to_owned()));
    }
    let seconds = head.metrics.get("seconds").and_then(Value::as_f64);
    facts.extend(seconds.map(|seconds| ("time".to_owned(), format!("{seconds:.1} s"))));
    facts
}

fn computed(engine: &Engine) -> Facts {
    vec![
        ("runtime".to_owned(), engine.runtime.clone()),
        ("device".to_owned(), engine.device.clone()),
        ("precision".to_owned(), engine.arithmetic()),
        ("frostline".to_owned(), engine.frostline.clone()),
    ]
}

fn this_report(options: &ReportOptions) -> Facts {
    let path = |path: &Path| for_terminal(&to_text(path));
    let mut facts = vec![
        ("frostline".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("date".to_owned(), captions::today()),
        ("head".to_owned(), captions::name(&options.input.head.path)),
        ("evaluated on".to_owned(), path(&options.input.data)),
    ];
    if let Some(train) = &options.train {
        facts.push(("training features".to_owned(), path(train)));
    }
    if let Some(other) = &options.compare {
        facts.push(("compared with".to_owned(), path(other)));
    }
    facts.push(("intervals".to_owned(), intervals(options.bootstrap)));
    facts
}

fn intervals(Bootstrap { resamples, seed }: Bootstrap) -> String {
    match resamples {
        0 => "none".to_owned(),
        n => format!("bootstrap, {}, seed {seed}", counted(n, "resample")),
    }
}

type Facts = Vec<(String, String)>;

/// Flattens a JSON object, including nested objects, and skips null entries.
fn flat(value: &Value) -> Facts {
    let Value::Object(entries) = value else {
        return Facts::new();
    };
    let of_entry = |(key, value): (&String, &Value)| match value {
        Value::Null => Facts::new(),
        Value::Object(_) => flat(value),
        _ => vec![(key.replace('_', " "), text(value))],
    };
    entries.iter().flat_map(of_entry).collect()
}

/// Formats a parameter with the fewest digits that identify its f32 value; JSON widened it to f64.
fn short(number: f64) -> String {
    (number as f32).to_string()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => for_terminal(text),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(String::new, short),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::head::{FitValues, Solver};

    #[test]
    fn no_resamples_are_no_intervals() {
        let text = |resamples| intervals(Bootstrap::new(resamples, 7));
        assert_eq!(text(0), "none");
        assert_eq!(text(1000), "bootstrap, 1000 resamples, seed 7");
    }

    #[test]
    fn only_what_the_solver_uses_is_listed() {
        let params = |solver: Solver| {
            let values = FitValues {
                solver,
                ..FitValues::default()
            };
            let facts = parameters(&serde_json::to_value(values).unwrap());
            facts.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let sgd = params(Solver::Sgd);
        assert!(
            sgd.contains(&"lr".to_owned()) && !sgd.contains(&"l2".to_owned()),
            "{sgd:?}"
        );
        let lbfgs = [
            "solver",
            "l2",
            "tol",
            "max iter",
            "standardize",
            "label smoothing",
            "class weight",
        ];
        assert_eq!(params(Solver::Lbfgs), lbfgs);
        assert_eq!(params(Solver::Linfa), lbfgs[..5]);
    }

    #[test]
    fn objects_become_names_and_values() {
        let value = json!({
            "lr": 0.001f32,
            "epochs": 25,
            "class_weight": null,
            "inner": { "mean": [0.5f32, 1.0f32] },
            "name": "a\u{1b}b",
        });
        let facts = flat(&value);
        let facts: Vec<_> = facts
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            facts,
            [
                ("lr", "0.001"),
                ("epochs", "25"),
                ("mean", "0.5, 1"),
                ("name", "a\\u{1b}b")
            ]
        );
    }
}
