//! A page of an image and those most similar to it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{STYLE, csp_hash};
use super::photo::Picture;
use super::thumbnail;

/// An image and those most similar to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SimilarSheet {
    /// What the images are from, as text to display.
    pub subtitle: String,
    /// The image.
    pub image: Picture,
    /// The others with their cosine similarity, most similar first.
    pub similar: Vec<(Picture, f64)>,
}

/// Renders the sheet as a single HTML file without a script, which makes no requests.
#[must_use]
pub fn render_sheet(sheet: &SimilarSheet) -> String {
    let policy = format!(
        "default-src 'none'; img-src data:; style-src '{}'; base-uri 'none'; form-action 'none'",
        csp_hash(STYLE)
    );
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("frostline ", env!("CARGO_PKG_VERSION")));
                meta name="robots" content="noindex";
                title { "Images similar to " (sheet.image.path) " – frostline" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.top { div {
                    h1 { "Images similar to " bdi { (sheet.image.path) } }
                    p { (sheet.subtitle) }
                } }
                main {
                    section { h2 { "The image" } div.tiles { (tile(&sheet.image, None)) } }
                    section {
                        h2 { "Most similar first" }
                        ol.tiles {
                            @for (picture, cosine) in &sheet.similar { li { (tile(picture, Some(*cosine))) } }
                        }
                    }
                }
            }
        }
    };
    document.into_string()
}

fn tile(picture: &Picture, cosine: Option<f64>) -> Markup {
    html! {
        figure.tile {
            (thumbnail::image(picture.thumbnail.as_ref(), &picture.path))
            figcaption {
                span.said {
                    b { (picture.class) }
                    @if let Some(cosine) = cosine { span { (format!("{cosine:.3}")) } }
                }
                span.is { b title=(picture.path) { (picture.path) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Thumbnail;

    #[test]
    fn pictures_are_embedded_and_names_escaped() {
        let picture = |path: &str, jpeg: &[u8]| Picture {
            path: path.to_owned(),
            class: "<b>".to_owned(),
            doubted: false,
            thumbnail: (!jpeg.is_empty()).then(|| Thumbnail(jpeg.to_vec())),
        };
        let text = render_sheet(&SimilarSheet {
            subtitle: "2 images".to_owned(),
            image: picture("\"><script>", b"abc"),
            similar: vec![
                (picture("near.jpg", b"abcd"), 0.98765),
                (picture("far.jpg", b""), 0.5),
            ],
        });
        assert!(text.contains("data:image/jpeg;base64,YWJj\""));
        assert!(text.contains("data:image/jpeg;base64,YWJjZA==\"") && text.contains(">0.988<"));
        assert!(!text.contains("<script") && !text.contains("<b><b>") && !text.contains("http://"));
        assert_eq!(text.matches("<img").count(), 2);
    }
}
