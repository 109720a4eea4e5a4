//! How the report was made.

use maud::{Markup, html};

use super::page::Provenance;

pub(super) fn section(groups: &[Provenance]) -> Markup {
    html! {
        section #provenance {
            h2 { "How it was made" }
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
