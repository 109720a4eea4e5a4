//! The training: the curves of its epochs, and accuracy for growing parts of the training set.

use maud::{Markup, html};

use super::page::Page;
use super::{curves, learning_curve};

pub(super) fn section(page: &Page) -> Markup {
    let curves = page.curves.iter().filter(|c| !c.epochs.is_empty());
    let mut charts: Vec<Markup> = curves.clone().flat_map(curves::charts).collect();
    let learning = learning_curve::figure(&page.learning_curve);
    let verdict = learning
        .as_ref()
        .map(|_| learning_curve::verdict(&page.learning_curve));
    charts.extend(learning);
    if charts.is_empty() {
        return html! {};
    }
    let words: Vec<String> = curves.map(curves::words).chain(verdict).collect();
    html! {
        section #training {
            h2 { "Training" }
            // A single chart has the text beside it.
            div.alone[charts.len() == 1] {
                p.lead { (words.join(" ")) }
                div.charts { @for chart in &charts { (chart) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::LearningPoint;
    use crate::report::{Curves, Epoch};

    #[test]
    fn charts_share_a_card() {
        let epoch = Epoch {
            epoch: 1,
            train_loss: 0.5,
            validation_loss: None,
            validation_accuracy: None,
        };
        let curves = Curves {
            epochs: vec![epoch],
            best: None,
        };
        let point = LearningPoint {
            n: 10,
            share: 1.0,
            mean: 0.8,
            low: 0.7,
            high: 0.9,
        };
        let mut page = Page::default();
        assert!(section(&page).into_string().is_empty());
        page.learning_curve = vec![point];
        let text = section(&page).into_string();
        assert!(text.contains("class=\"alone\"") && text.matches("<figure").count() == 1);
        page.curves = Some(curves);
        let text = section(&page).into_string();
        assert!(
            !text.contains("alone") && text.matches("<figure").count() == 2,
            "{text}"
        );
        assert!(text.contains("Over 1\u{a0}epoch") && text.contains("not enough to tell"));
    }
}
