//! The files around an exported network: none, those of a model on the Hugging Face hub, or those of a model
//! in a repository of Triton.

mod described;
mod hub;
mod triton;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub(super) use self::described::Described;
use super::options::{ExportInput, ExportLayout, ExportOptions};
use crate::error::ExportProblem;
use crate::images::{Channels, Layout, Preprocessing};
use crate::tasks::guard::Wanted;

impl ExportLayout {
    /// Returns the paths of the network, and of its weights if one file would be too large.
    pub(super) fn files(self, output: &Path) -> [PathBuf; 2] {
        let folder = match self {
            Self::File => return [output.to_owned(), output.with_added_extension("data")],
            Self::Hf => output.join("onnx"),
            Self::Triton => output.join("1"),
        };
        // transformers.js looks for this name.
        let data = if self == Self::Hf {
            "model.onnx_data"
        } else {
            "model.onnx.data"
        };
        [folder.join("model.onnx"), folder.join(data)]
    }

    /// Refuses what the layout cannot describe.
    pub(super) fn check(
        self,
        options: &ExportOptions,
        preprocessing: &Preprocessing,
    ) -> Result<(), ExportProblem> {
        let refused = |why| {
            Err(ExportProblem::Layout {
                layout: self.to_string(),
                why,
            })
        };
        match self {
            Self::Hf if options.input != ExportInput::Tensor => {
                refused("its reader preprocesses images, so the network must take tensors")
            }
            Self::Hf if preprocessing.layout != Layout::Nchw => {
                refused("the backbone takes the channels as the last axis")
            }
            Self::Hf if preprocessing.channels != Channels::Rgb => {
                refused("the backbone takes BGR instead of RGB")
            }
            Self::Triton if triton::name(&options.output).is_none() => {
                refused("a model has the name of its folder, which has none")
            }
            Self::File | Self::Hf | Self::Triton => Ok(()),
        }
    }

    /// Returns the names and kinds of the files next to the network.
    pub(super) fn companions(self) -> &'static [(&'static str, Wanted)] {
        match self {
            Self::File => &[],
            Self::Hf => &[
                ("config.json", Wanted::Json),
                ("preprocessor_config.json", Wanted::Json),
            ],
            Self::Triton => &[
                (triton::LABELS, Wanted::Text),
                ("config.pbtxt", Wanted::Text),
            ],
        }
    }

    /// Returns the contents of these files.
    pub(super) fn texts(self, output: &Path, described: &Described<'_>) -> Vec<String> {
        let json = |value: &Value| {
            let text = serde_json::to_string_pretty(value);
            text.expect("text and numbers have a JSON form") + "\n"
        };
        match self {
            Self::File => Vec::new(),
            Self::Hf => vec![
                json(&hub::config(described)),
                json(&hub::processor(described.preprocessing)),
            ],
            Self::Triton => vec![
                triton::labels(described.classes),
                triton::config(&triton::name(output).unwrap_or_default(), described),
            ],
        }
    }
}
