//! Which layer is to be kept, as the user says it.

use std::fmt;

use super::graph::Node;
use super::links::Links;
use super::penultimate::Candidate;

/// A choice of layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LayerChoice {
    /// What the last classifier reads.
    #[default]
    Penultimate,
    /// A tensor's name, or a layer's number as `models show` prints it. A name is looked for first.
    Named(String),
}

impl From<&str> for LayerChoice {
    /// `penultimate`, or any other text as a name or number.
    fn from(text: &str) -> Self {
        match text {
            "penultimate" => Self::Penultimate,
            name => Self::Named(name.to_owned()),
        }
    }
}

impl fmt::Display for LayerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Penultimate => f.write_str("penultimate"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// What is wrong with a choice, and what helps.
pub(super) type Unclear = (String, String);

impl LayerChoice {
    /// The tensor that is meant.
    pub(super) fn find<'m>(&self, links: &Links<'m>) -> Result<&'m str, Unclear> {
        match self {
            Self::Penultimate => links.penultimate().map_err(|why| {
                let problem = format!("the layer before its classifier is not certain: {why}");
                (problem, choices(&links.candidates()))
            }),
            Self::Named(name) => named(name, links),
        }
    }
}

fn named<'m>(name: &str, links: &Links<'m>) -> Result<&'m str, Unclear> {
    let made = links.graph.nodes.iter().flat_map(Node::makes);
    let tensor = made.into_iter().find(|made| *made == name);
    let numbered = || {
        let node = links.graph.nodes.get(name.parse::<usize>().ok()?)?;
        node.makes().next()
    };
    let Some(tensor) = tensor.or_else(numbered) else {
        let problem = format!("it has no layer `{name}`");
        return Err((
            problem,
            "`frostline models show FILE` lists its layers".to_owned(),
        ));
    };
    if links.is_live(tensor) {
        return Ok(tensor);
    }
    let problem = format!("its layer `{tensor}` is the same for every picture");
    Err((problem, choices(&links.candidates())))
}

fn choices(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "choose one with --layer; `frostline models show FILE` lists its layers".to_owned();
    }
    let all = candidates
        .iter()
        .map(|c| format!("`{}` ({}; {})", c.layer, c.shape, c.reader));
    format!(
        "choose one with --layer: {}",
        all.collect::<Vec<_>>().join(", ")
    )
}
