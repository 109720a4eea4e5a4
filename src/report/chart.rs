//! A chart with its heading and the key of its lines.

use maud::{Markup, html};

/// `keys` are the class of a line and its name.
pub(super) fn figure(heading: &str, keys: &[(&str, &str)], chart: &Markup) -> Markup {
    html! {
        figure.plot {
            figcaption {
                strong { (heading) }
                @for (class, name) in keys {
                    span.key {
                        svg viewBox="0 0 22 8" width="22" height="8" aria-hidden="true" {
                            line class=(format!("line {class}")) x1="0" x2="22" y1="4" y2="4" {}
                        }
                        (name)
                    }
                }
            }
            (chart)
        }
    }
}
