//! What a head file records about its training: epochs, search, learning curve.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::head::EpochFigures;
use crate::report::{Curves, Epoch, Page};

/// Fills in the parts that `metrics` contains. Returns a note for each part that cannot be read.
pub(super) fn fill(page: &mut Page, metrics: &Value) -> Vec<String> {
    let mut unreadable = Vec::new();
    let history: Vec<EpochFigures> = part(metrics, "history", &mut unreadable).unwrap_or_default();
    let best = part(metrics, "best_epoch", &mut unreadable);
    page.curves = curves(&history, best);
    page.search = part(metrics, "search", &mut unreadable);
    page.learning_curve = part(metrics, "learning_curve", &mut unreadable).unwrap_or_default();
    unreadable
}

/// Returns the value of a key; `None` if it is missing, null or unreadable.
fn part<T: DeserializeOwned>(
    metrics: &Value,
    key: &str,
    unreadable: &mut Vec<String>,
) -> Option<T> {
    let value = metrics.get(key).filter(|value| !value.is_null())?;
    T::deserialize(value)
        .map_err(|e| unreadable.push(format!("The head's `{key}` cannot be shown: {e}.")))
        .ok()
}

fn curves(history: &[EpochFigures], best: Option<usize>) -> Option<Curves> {
    let epoch = |figures: &EpochFigures| Epoch {
        epoch: figures.epoch,
        train_loss: figures.train_loss,
        validation_loss: figures.validation.map(|v| v.loss),
        validation_accuracy: figures.validation.map(|v| v.accuracy),
    };
    let last = history.last()?.epoch;
    Some(Curves {
        epochs: history.iter().map(epoch).collect(),
        best: best.filter(|best| *best != last),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_head_remembers_is_shown_and_what_cannot_be_read_is_named() {
        let metrics = json!({
            "history": [{ "epoch": 1, "train_loss": 0.5, "validation": { "loss": 0.4, "accuracy": 0.9 } },
                { "epoch": 2, "train_loss": 0.3, "validation": { "loss": 0.5, "accuracy": 0.8 } }],
            "best_epoch": 1,
            "search": {
                "candidates": [{
                    "lr": 0.1, "weight_decay": 0.0, "accuracy": 0.9, "accuracy_std": 0.01, "loss": 0.3
                }],
                "chosen": 0,
            },
            "learning_curve": "none",
        });
        let mut page = Page::default();
        let notes = fill(&mut page, &metrics);
        let curves = page.curves.unwrap();
        assert_eq!((curves.epochs.len(), curves.best), (2, Some(1)));
        assert_eq!(curves.epochs[1].validation_accuracy, Some(0.8));
        let candidate = page.search.unwrap().candidates[0];
        assert_eq!((candidate.lr, candidate.l2), (Some(0.1), None));
        assert!(page.learning_curve.is_empty());
        assert!(
            notes.len() == 1 && notes[0].contains("`learning_curve`"),
            "{notes:?}"
        );
    }

    #[test]
    fn a_head_without_epochs_has_no_curves() {
        let mut page = Page::default();
        assert!(fill(&mut page, &json!({ "history": [], "search": null })).is_empty());
        assert!(page.curves.is_none() && page.search.is_none());
    }
}
