//! Errors of `frostline-onnx` as the library's own, with a way out for each.

use frostline_onnx::architectures::Architecture;
use frostline_onnx::error as onnx;
use frostline_onnx::error::{Candidate, Format, NetworkProblem, Wanted, WeightsProblem};

use crate::error::{Error, FileKind, FileProblem};

impl From<onnx::Error> for Error {
    fn from(error: onnx::Error) -> Self {
        let text = error.to_string();
        match error {
            onnx::Error::Io { path, source } => Self::Io {
                action: "read",
                path,
                source,
            },
            onnx::Error::File {
                path,
                format,
                problem,
            } => Self::File {
                path,
                kind: FileKind::Hinted(file_hint(format, &problem).to_owned()),
                problem: problem.into(),
            },
            onnx::Error::Network { path, problem } => Self::Network {
                path,
                hint: network_hint(&problem),
                problem: problem.to_string(),
            },
            onnx::Error::Weights { path, problem } => Self::Network {
                path,
                hint: weights_hint(&problem).to_owned(),
                problem: problem.to_string(),
            },
            onnx::Error::UnknownArchitecture { .. } => Self::Input {
                problem: text,
                hint: format!(
                    "choose one of {}",
                    Architecture::ALL.map(|known| known.to_string()).join(", ")
                ),
            },
            _ => Self::Input {
                problem: text,
                hint: String::new(),
            },
        }
    }
}

impl From<onnx::FileProblem> for FileProblem {
    fn from(problem: onnx::FileProblem) -> Self {
        match problem {
            onnx::FileProblem::Cut(what) => Self::Cut(what),
            onnx::FileProblem::Damaged(what) => Self::Damaged(what),
            onnx::FileProblem::Changed(what) => Self::Damaged(what.to_owned()),
            onnx::FileProblem::Newer { found, known } => Self::Newer { found, known },
            onnx::FileProblem::Foreign { wanted, found } => Self::Foreign {
                wanted: wanted.words(),
                found,
            },
            other => Self::Damaged(other.to_string()),
        }
    }
}

fn file_hint(format: Format, problem: &onnx::FileProblem) -> &'static str {
    match (problem, format) {
        (onnx::FileProblem::Foreign { wanted, .. }, _) => match wanted {
            Wanted::Network => {
                "give an .onnx file; weights (.pth, .safetensors) become one with \
                 `frostline models import FILE --arch NAME`"
            }
            Wanted::Weights => {
                "give a .pth or .pt file that `torch.save` wrote, or a .safetensors file"
            }
            Wanted::TensorsAlone => {
                "save its tensors alone: `torch.save(model.state_dict(), \"weights.pth\")`"
            }
        },
        (onnx::FileProblem::Newer { .. }, _) => {
            "save it with `torch.save(…, _use_new_zipfile_serialization=True)`"
        }
        (onnx::FileProblem::Changed(_), _) => "the file changed while it was read; try again",
        (_, Format::Network) => "fetch or export the network again",
        (_, Format::Weights) => "fetch or copy the file again",
    }
}

fn network_hint(problem: &NetworkProblem) -> String {
    use NetworkProblem as P;
    let hint = match problem {
        P::UncertainLayer { candidates, .. } | P::ConstantLayer { candidates, .. } => {
            return choices(candidates);
        }
        P::NoLayer(_) => "`frostline models show FILE` lists its layers",
        P::CompiledEngine => "export the network as plain ONNX",
        P::MadeTwice(_) | P::MadeByNothing { .. } | P::NoTensor(_) | P::Circle(_) => {
            "fetch or export it again"
        }
        P::HiddenWeights(_) => "export it with its weights as initializers",
        P::OutsideFolder(_)
        | P::NoWeights(_)
        | P::UnreadableWeights { .. }
        | P::WeightBeyondFile { .. }
        | P::UnknownLength(_) => "copy the network together with its files of weights",
        P::SharedBytes { .. } | P::UsedTooOften { .. } => {
            "export the network again so that its weights do not overlap"
        }
        P::WindowTooLarge(_) => "give larger images, as with --crop",
        P::NotInFloat16(_) => "use --precision fp32 or tf32",
        _ => "",
    };
    hint.to_owned()
}

fn choices(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "choose one with --layer; `frostline models show FILE` lists its layers".to_owned();
    }
    let all: Vec<String> = candidates.iter().map(ToString::to_string).collect();
    format!("choose one with --layer: {}", all.join(", "))
}

fn weights_hint(problem: &WeightsProblem) -> &'static str {
    match problem {
        WeightsProblem::OtherTensors(_) => {
            "give the weights of this very architecture, as `model.state_dict()` has them"
        }
        _ => "fetch the weights again",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use frostline_onnx::weights::read_state_dict;

    use super::*;

    fn hint(problem: NetworkProblem) -> String {
        let path = "net.onnx".into();
        let error = Error::from(onnx::Error::Network { path, problem });
        error.hint().unwrap_or_default().to_owned()
    }

    #[test]
    fn layers_that_may_be_meant_are_listed() {
        let candidate = Candidate {
            layer: "stem".to_owned(),
            shape: "(N, 8, ?, ?)".to_owned(),
            reader: "read by Conv `0`".to_owned(),
        };
        let constant = |candidates| NetworkProblem::ConstantLayer {
            layer: "w".to_owned(),
            candidates,
        };
        assert_eq!(
            hint(constant(vec![candidate])),
            "choose one with --layer: `stem` ((N, 8, ?, ?); read by Conv `0`)"
        );
        assert!(hint(constant(Vec::new())).contains("models show"));
        assert!(hint(NetworkProblem::NoLayer("8".to_owned())).contains("models show"));
        assert_eq!(hint(NetworkProblem::InputType("x".to_owned())), "");
    }

    #[test]
    fn a_name_that_is_no_architecture() {
        let error = Error::from("vgg20".parse::<Architecture>().unwrap_err());
        assert_eq!(error.to_string(), "there is no architecture `vgg20`");
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("choose one of efficientnet-lite0, resnet18"));
    }

    #[test]
    fn the_file_and_the_way_out_are_named() {
        // A pickle that calls `os.system`.
        let pickle = Cursor::new(b"\x80\x02cos\nsystem\n.");
        let error = read_state_dict(pickle, Path::new("w.pth")).unwrap_err();
        let error = Error::from(error);
        let text = "`w.pth` is not a file of PyTorch's weights: \
                    it asks for `os.system`; only tensors are read";
        assert_eq!(error.to_string(), text);
        assert!(error.hint().unwrap().contains("state_dict()"));
    }
}
