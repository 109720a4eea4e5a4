//! The HTML document around the sections: security policy, style sheet and script.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::page::{Page, Provenance};
use super::{
    care, confusion, gallery, gallery_data, headline, per_class, reliability, search_table,
    training, versus, worst,
};

/// The colours, the type and the boxes of a page.
#[cfg(feature = "serve")]
pub(crate) const BASE_STYLE: &str = include_str!("base.css");
pub(super) const STYLE: &str = concat!(
    include_str!("base.css"),
    include_str!("page.css"),
    include_str!("print.css")
);
const SCRIPT: &str = include_str!("page.js");

/// Renders the page as a single HTML file that makes no requests.
#[must_use]
pub fn render(page: &Page) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            (head(page))
            body {
                (top(page))
                main { (sections(page)) }
                (gallery::dialogs())
                (gallery_data::data(page))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

fn head(page: &Page) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="generator" content=(concat!("frostline ", env!("CARGO_PKG_VERSION")));
            meta name="robots" content="noindex";
            title { (page.title) " – frostline report" }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// Returns the Content Security Policy: only embedded images, and only the page's own script and style.
fn policy() -> String {
    format!(
        "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; form-action \
         'none'",
        csp_hash(STYLE),
        csp_hash(SCRIPT)
    )
}

/// Returns the hash by which a Content Security Policy allows a style sheet or a script.
pub(crate) fn csp_hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn top(page: &Page) -> Markup {
    html! {
        header.top {
            div {
                h1 { bdi { (page.title) } }
                p { (page.subtitle) }
            }
            button #theme type="button" data-script hidden aria-label="Switch between light and dark theme" {
                "Dark"
            }
        }
    }
}

fn sections(page: &Page) -> Markup {
    html! {
        @if !page.notes.is_empty() {
            section #notes aria-label="Notes" {
                ul.notes { @for note in &page.notes { li { (marked(note)) } } }
            }
        }
        (headline::section(page))
        (confusion::section(page))
        @if let Some(versus) = &page.versus { (versus::section(page, versus)) }
        (per_class::section(page))
        (worst::section(page))
        (gallery::section(page))
        @if let Some(care) = &page.care { (care::section(care)) }
        @if let Some(reliability) = &page.reliability { (reliability::section(reliability)) }
        (training::section(page))
        @if let Some(search) = page.search.as_ref().filter(|search| !search.candidates.is_empty()) {
            (search_table::section(search))
        }
        (provenance(&page.provenance))
    }
}

/// Sets the names between backticks in a sentence as code.
fn marked(sentence: &str) -> Markup {
    html! {
        @for (i, part) in sentence.split('`').enumerate() {
            @if i % 2 == 0 { (part) } @else { code { bdi { (part) } } }
        }
    }
}

/// The section on how the report was made.
fn provenance(groups: &[Provenance]) -> Markup {
    html! {
        section #provenance {
            h2 { "How this report was made" }
            div.groups {
                @for group in groups.iter().filter(|group| !group.facts.is_empty()) {
                    div {
                        h3 { (group.name) }
                        dl.facts {
                            @for (name, value) in &group.facts { div { dt { (name) } dd { (value) } } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_is_a_page() {
        let text = render(&Page::default());
        assert!(text.starts_with("<!DOCTYPE html><html lang=\"en\">"));
        assert!(!text.contains("NaN") && !text.contains("http://") && !text.contains("https://"));
    }

    #[test]
    fn texts_are_escaped() {
        let evil = "<img src=x onerror=alert(1)>\"'&";
        let page = Page {
            title: evil.to_owned(),
            classes: vec![evil.to_owned()],
            confusion: vec![vec![1]].into(),
            notes: vec![evil.to_owned(), format!("of `{evil}` only")],
            ..Page::default()
        };
        let text = render(&page);
        assert!(text.contains("<li>of <code><bdi>&lt;img src=x"), "{text}");
        assert!(!text.contains("<img src=x"), "{text}");
        assert!(text.contains("&lt;img src=x onerror=alert(1)&gt;&quot;"));
    }
}
