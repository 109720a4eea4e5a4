//! Names weights in a checkpoint: where they are, and which ones to use.

use std::fmt;

use crate::weights::join;

/// Which weights of a checkpoint to use, if several match the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WeightsOf {
    /// The trained model; a moving average of its weights only if there is nothing else.
    #[default]
    Model,
    /// The exponential moving average (EMA) of the weights.
    Ema,
    /// Those with this name, or with this part of it: see [`Place`].
    Named(String),
}

impl From<&str> for WeightsOf {
    /// `ema` is [`WeightsOf::Ema`]; all else is a name.
    fn from(text: &str) -> Self {
        match text {
            "ema" => Self::Ema,
            name => Self::Named(name.to_owned()),
        }
    }
}

/// Where weights are in a file. Its name (`Display`) is the keys and the prefix, joined by dots; without
/// either, it is `.`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The keys of the dictionaries that lead to them, joined by dots; empty if there are none.
    pub wrapper: String,
    /// What all their names start with, including its last dot; may be empty.
    pub prefix: String,
}

impl Place {
    /// Returns whether the weights are in the file as they are in a state dict.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.wrapper.is_empty() && self.prefix.is_empty()
    }

    /// Says in which dictionary the weights are, and what precedes their names.
    pub(super) fn described(&self) -> String {
        match (self.wrapper.as_str(), self.prefix.as_str()) {
            (wrapper, "") => format!("in `{wrapper}`"),
            ("", prefix) => format!("with the prefix `{prefix}`"),
            (wrapper, prefix) => format!("in `{wrapper}` with the prefix `{prefix}`"),
        }
    }

    /// Returns whether its name says that the weights are a moving average of others.
    pub(super) fn is_average(&self) -> bool {
        let name = self.to_string();
        name.split('.').any(|part| {
            matches!(part, "encoder_k" | "momentum_encoder") || part.split('_').any(|w| w == "ema")
        })
    }

    /// Returns whether this is its name, or some parts of it in a row.
    pub(super) fn is_called(&self, name: &str) -> bool {
        format!(".{self}.").contains(&format!(".{name}."))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match join(&self.wrapper, self.prefix.trim_end_matches('.')) {
            name if name.is_empty() => f.write_str("."),
            name => f.write_str(&name),
        }
    }
}
