//! The comparison of two heads: both metrics, a test, and the images on which the heads differ.

use maud::{Markup, html};

use super::number::{count, grouped, percent, whole_percent};
use super::page::{HeadComparison, Page};
use super::photo::{Photo, PhotoOutcome};
use super::thumbnail::image;
use crate::head::{Difference, McNemar, McNemarTest};

/// The number of images of each kind; the script shows all.
const SHOWN: usize = 12;

pub(super) fn section(page: &Page, versus: &HeadComparison) -> Markup {
    let (c, [first, second]) = (&versus.comparison, &versus.heads);
    html! {
        section #versus {
            h2 { "Two heads compared" }
            p.lead {
                strong { "A" } " is " bdi { (first) } ", the head of this report; " strong { "B" } " is "
                bdi { (second) } ". Of the same " (count(c.n_samples, "image")) ", both predict "
                (grouped(c.both_right)) " correctly. "
                (verdict(&c.mcnemar))
            }
            div.scroll tabindex="0" role="region" aria-label="Metrics of both heads" { (table(versus)) }
            (kind(page, "first", "Only A is right", c.only_first_right))
            (kind(page, "second", "Only B is right", c.only_second_right))
            (kind(page, "neither", "Both are wrong", c.neither_right))
        }
    }
}

fn verdict(mcnemar: &McNemar) -> String {
    let test = match mcnemar.test {
        McNemarTest::Exact => "exact",
        McNemarTest::ChiSquared => "chi-squared",
    };
    let p = match mcnemar.p_value {
        p if p < 0.0001 => "p\u{a0}<\u{a0}0.0001".to_owned(),
        p => format!("p\u{a0}=\u{a0}{p:.4}"),
    };
    let verdict = if mcnemar.is_significant() {
        "significant"
    } else {
        "not significant"
    };
    format!("The difference in accuracy is {verdict} (McNemar's test, {test}, {p}).")
}

fn table(versus: &HeadComparison) -> Markup {
    let c = &versus.comparison;
    let points = |x: f64| format!("{:+.1} points", 100.0 * x);
    html! {
        table.numbers {
            thead { tr {
                td {}
                @for name in ["A", "B", "A − B", "95\u{a0}% interval"] { th scope="col" { (name) } }
            } }
            tbody {
                (row("accuracy", &c.accuracy, percent, points))
                (row("log loss", &c.log_loss, |x| format!("{x:.3}"), |x| format!("{x:+.3}")))
            }
        }
    }
}

fn row(
    name: &str,
    d: &Difference,
    figure: impl Fn(f64) -> String,
    signed: impl Fn(f64) -> String,
) -> Markup {
    let ends = d
        .interval
        .map(|i| format!("{} to {}", signed(i.low), signed(i.high)));
    html! {
        tr {
            th scope="row" { (name) }
            td { (figure(d.first)) } td { (figure(d.second)) } td { (signed(d.difference)) }
            td { (ends.as_deref().unwrap_or("–")) }
        }
    }
}

/// Returns the kind of an image, as the script names it.
fn kind_of(photo: &Photo) -> Option<&'static str> {
    Some(match (photo.is_right(), photo.is_other_right()?) {
        (true, true) => "both",
        (true, false) => "first",
        (false, true) => "second",
        (false, false) => "neither",
    })
}

fn kind(page: &Page, kind: &str, title: &str, n: usize) -> Markup {
    let photos = page.photos.iter().enumerate();
    let photos = photos.filter(|(_, photo)| kind_of(photo) == Some(kind));
    html! {
        div data-versus=(kind) data-title=(title) {
            h3 { (title) ": " (count(n, "image")) }
            @if n > SHOWN {
                button.all type="button" data-script hidden { "Show all " (grouped(n)) }
            }
            @if n > 0 { div.tiles { @for (i, photo) in photos.take(SHOWN) { (tile(page, i, photo)) } } }
        }
    }
}

fn tile(page: &Page, number: usize, photo: &Photo) -> Markup {
    let Some(other) = photo.other else {
        return html! {};
    };
    let state = match photo.outcome() {
        PhotoOutcome::Right => "right",
        PhotoOutcome::Wrong => "wrong",
        PhotoOutcome::Unknown => "unknown",
    };
    html! {
        button.tile type="button" data-photo=(number) data-state=(state) title=(photo.path) {
            (image(photo.thumbnail.as_ref(), &photo.path))
            (said(page, "A: ", (photo.predicted, photo.confidence()), photo.truth))
            (said(page, "B: ", (other.predicted, other.confidence), photo.truth))
            span.is { b { "true: " bdi { (page.class(photo.truth)) } } }
        }
    }
}

fn said(page: &Page, who: &str, (class, p): (usize, f64), truth: usize) -> Markup {
    html! {
        span.said.right[class == truth].wrong[class != truth] {
            b { (who) @if class == truth { "✓ " } @else { "✗ " } bdi { (page.class(class)) } }
            span.share { (whole_percent(p)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::head::{Bootstrap, Comparison};
    use crate::report::OtherPrediction;
    use crate::report::photo::tests::photo;

    #[test]
    fn images_are_shown_where_the_heads_differ() {
        // Class 0 is right for all four images.
        let (right, wrong) = ([0.9, 0.1], [0.2, 0.8]);
        let first = array![right, right, wrong, wrong];
        let second = array![right, wrong, right, wrong];
        let none = Bootstrap::new(0, 0);
        let comparison = Comparison::new(&[0; 4], first.view(), second.view(), none).unwrap();
        let other = |predicted| {
            Some(OtherPrediction {
                predicted,
                confidence: 0.8,
            })
        };
        let photos = [("both", 0, 0), ("a", 0, 1), ("b", 1, 0), ("neither", 1, 1)];
        let photos = photos.map(|(path, own, others)| Photo {
            other: other(others),
            ..photo(path, own, 0.9)
        });
        let page = Page {
            classes: vec!["cat".to_owned(), "dog".to_owned()],
            photos: photos.into(),
            ..Page::default()
        };
        let heads = ["a.head", "b.head"].map(str::to_owned);
        let text = section(&page, &HeadComparison { heads, comparison }).into_string();
        for words in [
            "Only A is right: 1\u{a0}image",
            "Only B is right: 1\u{a0}image",
            "Both are wrong: 1\u{a0}image",
            "not significant (McNemar's test, exact, p\u{a0}=\u{a0}1.0000)",
            "+0.0 points",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
        let (_, only_a) = text.split_once("data-versus=\"first\"").unwrap();
        let (only_a, _) = only_a.split_once("data-versus").unwrap();
        assert!(only_a.contains("data-photo=\"1\"") && only_a.matches("<button").count() == 1);
    }
}
