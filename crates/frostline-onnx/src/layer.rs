//! The user's choice of the layer to keep.

use std::fmt;

use super::graph::Node;
use super::links::Links;
use crate::error::NetworkProblem;

/// Which layer of a network to keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LayerChoice {
    /// The input of the last classifier.
    #[default]
    Penultimate,
    /// The tokens that the network takes the input of its last classifier from: the class token or a mean. If
    /// it does not, the input of the last classifier.
    Tokens,
    /// A tensor's name, or a layer's number: its index in the outline's nodes. Names take precedence.
    Named(String),
}

impl From<&str> for LayerChoice {
    /// Parses `penultimate` and `tokens`; any other text is a name or number.
    fn from(text: &str) -> Self {
        match text {
            "penultimate" => Self::Penultimate,
            "tokens" => Self::Tokens,
            name => Self::Named(name.to_owned()),
        }
    }
}

impl fmt::Display for LayerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Penultimate => f.write_str("penultimate"),
            Self::Tokens => f.write_str("tokens"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl LayerChoice {
    /// Returns the chosen tensor.
    pub(super) fn find<'m>(&self, links: &Links<'m>) -> Result<&'m str, NetworkProblem> {
        let layer = match self {
            Self::Penultimate => links.penultimate(),
            Self::Tokens => links.tokens(),
            Self::Named(name) => return named(name, links),
        };
        layer.map_err(|why| NetworkProblem::UncertainLayer {
            why,
            candidates: links.candidates(),
        })
    }
}

fn named<'m>(name: &str, links: &Links<'m>) -> Result<&'m str, NetworkProblem> {
    let mut made = links.graph.nodes.iter().flat_map(Node::makes);
    let numbered = || {
        let node = links.graph.nodes.get(name.parse::<usize>().ok()?)?;
        node.makes().next()
    };
    let tensor = made.find(|made| *made == name).or_else(numbered);
    match tensor {
        None => Err(NetworkProblem::NoLayer(name.to_owned())),
        Some(tensor) if links.is_live(tensor) => Ok(tensor),
        Some(tensor) => Err(NetworkProblem::ConstantLayer {
            layer: tensor.to_owned(),
            candidates: links.candidates(),
        }),
    }
}
