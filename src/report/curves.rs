//! The training curves: loss and accuracy after each epoch.

use maud::{Markup, html};

use super::chart::{Frame, Numbers, figure};
use super::marks::line;
use super::number::{count, percent};
use super::page::{Curves, Epoch};
use super::scale::Scale;

/// Draws the loss, and the accuracy if there was a validation set.
pub(super) fn charts(curves: &Curves) -> impl Iterator<Item = Markup> {
    [loss(curves), accuracy(curves)].into_iter().flatten()
}

/// Describes the curves.
pub(super) fn words(curves: &Curves) -> String {
    let (Some(first), Some(last)) = (curves.epochs.first(), curves.epochs.last()) else {
        return String::new();
    };
    let loss = format!(
        "Over {}, the training loss went from {:.3} to {:.3}.",
        count(curves.epochs.len(), "epoch"),
        first.train_loss,
        last.train_loss
    );
    let accuracy = last
        .validation_accuracy
        .map(|accuracy| format!("The final validation accuracy is {}.", percent(accuracy)));
    let best = curves
        .best
        .map(|best| format!("The head has the weights of epoch {best}."));
    let sentences = [Some(loss), accuracy, best];
    sentences
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

type Points = Vec<(f64, f64)>;

fn points(curves: &Curves, value: impl Fn(&Epoch) -> Option<f64>) -> Points {
    let point = |epoch: &Epoch| Some((epoch.epoch as f64, value(epoch)?));
    curves.epochs.iter().filter_map(point).collect()
}

fn epochs(curves: &Curves) -> Option<[f64; 2]> {
    Scale::extent(curves.epochs.iter().map(|epoch| epoch.epoch as f64))
}

fn loss(curves: &Curves) -> Option<Markup> {
    let train = points(curves, |epoch| Some(epoch.train_loss));
    let validation = points(curves, |epoch| epoch.validation_loss);
    let [_, high] = Scale::extent(train.iter().chain(&validation).map(|(_, y)| *y))?;
    let frame = Frame::new(
        (epochs(curves)?, Numbers::Whole),
        ([0.0, high.max(1e-3) * 1.05], Numbers::Plain),
    );
    let marks = html! {
        (line(&frame, "first", &train))
        @if !validation.is_empty() { (line(&frame, "second", &validation)) }
    };
    let words = ends("training loss", &train) + &ends("; validation loss", &validation);
    let keys: &[(&str, &str)] = if validation.is_empty() {
        &[("first", "training")]
    } else {
        &[("first", "training"), ("second", "validation")]
    };
    let chart = frame.draw(
        "loss",
        "Loss after each epoch",
        &words,
        ["epoch", "loss"],
        &marks,
    );
    Some(figure("Loss", keys, &chart))
}

fn accuracy(curves: &Curves) -> Option<Markup> {
    let accuracy = points(curves, |epoch| epoch.validation_accuracy);
    let [low, _] = Scale::extent(accuracy.iter().map(|(_, y)| *y))?;
    let floor = ((low - 0.02) * 10.0).floor().clamp(0.0, 9.0) / 10.0;
    let frame = Frame::new(
        (epochs(curves)?, Numbers::Whole),
        ([floor, 1.0], Numbers::Percent),
    );
    let marks = line(&frame, "second", &accuracy);
    let words = ends("validation accuracy", &accuracy);
    let chart = frame.draw(
        "accuracy",
        "Validation accuracy after each epoch",
        &words,
        ["epoch", "accuracy"],
        &marks,
    );
    Some(figure("Accuracy", &[("second", "validation")], &chart))
}

/// Describes the first and the last value.
fn ends(name: &str, points: &Points) -> String {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => format!(
            "{name} {:.3} at epoch {}, {:.3} at epoch {}",
            first.1, first.0, last.1, last.0
        ),
        _ => String::new(),
    }
}
