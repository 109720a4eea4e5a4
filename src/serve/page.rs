//! The page at `/`: pictures are dropped, pasted, chosen or taken with a phone's camera, and the browser
//! sends them to `/v1/classify`. The page itself contains no data, and asks for the token if there is one.

use std::sync::LazyLock;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::{BASE_STYLE, csp_hash};

const SCRIPT: &str = include_str!("page/page.js");
static STYLE: LazyLock<String> =
    LazyLock::new(|| [BASE_STYLE, include_str!("page/page.css")].concat());

/// Returns the page.
pub(super) async fn page() -> Response {
    static PAGE: LazyLock<(String, HeaderValue)> = LazyLock::new(|| {
        let policy = HeaderValue::try_from(policy()).expect("hashes are ASCII");
        (document().into_string(), policy)
    });
    let (page, policy) = &*PAGE;
    let headers: [(HeaderName, HeaderValue); 1] =
        [(header::CONTENT_SECURITY_POLICY, policy.clone())];
    (headers, Html(&**page)).into_response()
}

/// Returns the Content Security Policy: only the page's own script and style, pictures that the user has
/// chosen, and requests to this server.
fn policy() -> String {
    format!(
        "default-src 'none'; connect-src 'self'; img-src blob: data:; style-src '{}'; script-src '{}'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        csp_hash(&STYLE),
        csp_hash(SCRIPT)
    )
}

fn document() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                // Without it, browsers ask for `/favicon.ico`.
                link rel="icon" href="data:,";
                title { "frostline" }
                style { (PreEscaped(&*STYLE)) }
            }
            body {
                header.top {
                    div {
                        h1 { "Classify pictures" }
                        p { "Pictures are sent to this server only, which does not keep them." }
                    }
                }
                main {
                    noscript { p { "This page needs JavaScript." } }
                    (token())
                    (choice())
                    p #status role="status" {}
                    ol #results aria-label="Results" {}
                    (card())
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// The field for the token, shown only if the server demands one.
fn token() -> Markup {
    html! {
        form #access hidden {
            label for="token" { "Token of this server" }
            input #token type="password" autocomplete="off" required;
            button type="submit" { "Use" }
        }
    }
}

fn choice() -> Markup {
    html! {
        section #drop {
            label #model-choice hidden { "Model " select #model {} }
            div.ways {
                label.way {
                    "Choose pictures"
                    input #files type="file" accept="image/*,.heic,.heif,.avif,.jxl" multiple;
                }
                label.way.second {
                    "Take a photo"
                    input #camera type="file" accept="image/*" capture="environment";
                }
            }
            p.fine { "Or drop pictures anywhere on this page, or paste them." }
        }
    }
}

/// What the script fills for each picture.
fn card() -> Markup {
    html! {
        template #card {
            li.result {
                img alt="" hidden;
                div.head {
                    p.name { bdi {} }
                    p.label { bdi { "…" } }
                    p.reason hidden {}
                }
                ul.bars {}
                div.nearest hidden { p.fine { "Nearest training images" } ul {} }
            }
        }
        template #bar {
            li { bdi.class {} span.track aria-hidden="true" { span.fill {} } span.share {} }
        }
        template #near { li { img alt="" hidden; bdi.class {} span.share {} } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_no_inline_code_but_its_own() {
        let page = document().into_string();
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("<style").count(), 1);
        for foreign in [" style=", " onclick=", "http://", "https://", "//cdn"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        // The way to hash is that of the standard's example.
        let hash = "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=";
        assert_eq!(csp_hash("alert('Hello, world.');"), hash);
    }
}
