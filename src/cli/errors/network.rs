//! Hints for networks that cannot be used.

use std::path::Path;

use frostline::backbones::DEFAULT_BACKBONE;
use frostline::error::{Candidate, GraphProblem as Graph, NetworkProblem, WeightsProblem};

/// Returns what the user can do about the network; `path` is its file or its name.
pub(super) fn hint(path: &Path, problem: &NetworkProblem) -> Option<String> {
    use NetworkProblem as P;
    let hint = match problem {
        P::Graph(problem) => return graph(problem),
        P::NotInstalled {
            place,
            backbones,
            is_file,
        } => return Some(not_installed(path, place, backbones, *is_file)),
        P::NoName { backbones } => return Some(choose(backbones)),
        P::OtherManifest { name, .. } => {
            let beside = path.with_extension("toml");
            return Some(format!("set `name = \"{name}\"` in `{}`", beside.display()));
        }
        P::NoContent { .. } => {
            return Some(format!(
                "install `{}` again (see `frostline models list`), or pass its file with --backbone FILE",
                path.display()
            ));
        }
        P::UnclearPool { shape, .. } => {
            let [first, last] = [shape[0], shape[shape.len() - 1]];
            return Some(format!(
                "choose the order of its axes with --map nchw ({first} features) or nhwc ({last} features)"
            ));
        }
        P::UnchosenPool { .. } => "choose one with --pool, or another layer with --layer",
        P::NoTokens { .. } => {
            "choose a layer with tokens or positions with --layer (`frostline models show FILE` lists the \
             layers); without --pool, all values of this one are features"
        }
        P::UnclearPrefix { .. } | P::OnlyPrefix { .. } => {
            "set --prefix-tokens: 1 for a class token, 5 with four registers, 0 for none"
        }
        P::Weights(WeightsProblem::OtherTensors(_) | WeightsProblem::Closest { .. }) => {
            "pass weights of exactly this architecture, as in `model.state_dict()`"
        }
        P::Weights(WeightsProblem::Several(names)) => {
            return Some(format!(
                "choose one with --weights, such as `--weights {}`",
                names[0]
            ));
        }
        P::Weights(WeightsProblem::NotThere { .. }) => "choose one of these with --weights",
        P::Weights(_) => "download the weights again",
        P::InputType { .. } => "export the network with a float32 input",
        P::InputShape { .. } => "set --layout, --crop and --resize to match the network's input",
        P::Channels { .. } => "use a network for images with three channels",
        P::LargeBatch(_) => {
            "import it with `frostline models import`, which makes the batch size free"
        }
        P::FixedBatch { .. } => {
            "export it with a free batch size, or choose an earlier layer with --layer"
        }
        P::ManyOutputs(_) | P::NoOutput { .. } => "choose one with --layer or in the manifest",
        P::NumFeatures { .. } => "correct num_features or layer in the manifest",
        P::OtherInFp16 { .. } => "use --precision fp32 or tf32",
        P::NotFinite(_) => "check the preprocessing (scale, mean, std) and the network's weights",
        P::AboveGpuMemory { .. } => "raise --gpu-memory, or use --device cpu",
        P::TooLarge(_) => "close other programs, or raise the memory limit (`ulimit -v`)",
        P::NotOpened(_) => {
            "export the network for an older ONNX version, or use a newer ONNX Runtime"
        }
        P::OnCpu { .. } => "import it with a --layer before these nodes, or use --device cpu",
        P::BatchTooLarge { .. } => "use a smaller --batch-size or --device cpu",
        P::DataName(_) | P::ManyData(_) => {
            "import it with `frostline models import`, which writes at most two files"
        }
        P::NotRun(_) => {
            "set --crop and --resize to the image size that the network was made for, if its input does not \
             say it (`frostline models show FILE`)"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn not_installed(name: &Path, place: &Path, backbones: &[String], is_file: bool) -> String {
    let beside = if is_file {
        format!("; for the file of this name, write `./{}`", name.display())
    } else {
        String::new()
    };
    let Some(known) = backbones.iter().find(|known| Path::new(known) == name) else {
        return choose(backbones) + &beside;
    };
    // If `models pull` cannot download the backbone, its own error says where the file is available.
    let command = match known.as_str() {
        DEFAULT_BACKBONE => "frostline setup".to_owned(),
        other => format!("frostline models pull {other}"),
    };
    format!(
        "run `{command}`, or save the network as `{}`{beside}",
        place.display()
    )
}

fn choose(backbones: &[String]) -> String {
    let known = backbones.join(", ");
    format!("known backbones: {known}; or pass the path of an .onnx file")
}

fn graph(problem: &Graph) -> Option<String> {
    let hint = match problem {
        Graph::UncertainLayer { candidates, .. } | Graph::ConstantLayer { candidates, .. } => {
            return Some(choices(candidates));
        }
        Graph::NoLayer(_) => "run `frostline models show FILE` to list its layers",
        Graph::CompiledEngine => "export the network as plain ONNX",
        Graph::DuplicateTensor(_)
        | Graph::UndefinedTensor { .. }
        | Graph::NoTensor(_)
        | Graph::Cycle(_) => "download or export it again",
        Graph::HiddenWeights(_) => "export it with its weights as initializers",
        Graph::OutsideFolder(_)
        | Graph::NoWeights(_)
        | Graph::UnreadableWeights { .. }
        | Graph::WeightBeyondFile { .. }
        | Graph::UnknownLength(_) => "copy the network together with its weight files",
        Graph::SharedBytes { .. } | Graph::UsedTooOften { .. } => {
            "export the network again so that its weights do not overlap"
        }
        Graph::WindowTooLarge(_) => "use larger images (--crop)",
        Graph::NotLifted { .. } => "use --input crop, which keeps the network's operators",
        Graph::OldOpset { .. } => {
            "export the network again with a newer version of ONNX's operators"
        }
        Graph::NameOfOutput(_) => "choose other outputs with --outputs",
        Graph::NotInInt8(_) => "use --precision fp32 or fp16",
        Graph::NotInFloat16(_) => "use --precision fp32 or tf32",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn choices(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "choose one with --layer; run `frostline models show FILE` to list its layers"
            .to_owned();
    }
    let all: Vec<String> = candidates.iter().map(ToString::to_string).collect();
    format!("choose one with --layer: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use frostline::backbones::{Home, Registry};

    use super::super::hint as hint_of;
    use super::*;

    #[test]
    fn layers_that_may_be_meant_are_listed() {
        let candidate = Candidate {
            layer: "stem".to_owned(),
            shape: "(N, 8, ?, ?)".to_owned(),
            reader: "read by Conv `0`".to_owned(),
        };
        let constant = |candidates| Graph::ConstantLayer {
            layer: "w".to_owned(),
            candidates,
        };
        let hint = |problem| graph(&problem).unwrap_or_default();
        assert_eq!(
            hint(constant(vec![candidate])),
            "choose one with --layer: `stem` ((N, 8, ?, ?); read by Conv `0`)"
        );
        assert!(hint(constant(Vec::new())).contains("models show"));
        assert!(hint(Graph::NoLayer("8".to_owned())).contains("models show"));
        assert_eq!(hint(Graph::InputType("x".to_owned())), "");
    }

    #[test]
    fn a_known_name_says_how_to_get_it() {
        let registry = Registry::new(Home::at("/nonexistent"));
        let hint = |name: &str| hint_of(&registry.resolve(Path::new(name)).unwrap_err()).unwrap();
        assert!(hint("vgg19").contains("`frostline models pull vgg19`"));
        assert!(hint(DEFAULT_BACKBONE).contains("frostline setup"));
        let unknown = hint("no-such-net");
        assert!(unknown.contains(DEFAULT_BACKBONE) && unknown.ends_with(".onnx file"));
    }

    #[test]
    fn both_readings_of_a_layer_are_named() {
        let (layer, shape) = ("map".to_owned(), vec![3, 3, 2]);
        let problem = NetworkProblem::UnclearPool { layer, shape };
        let hint = hint(Path::new("net.onnx"), &problem).unwrap();
        assert!(hint.contains("nchw (3 features)") && hint.contains("nhwc (2 features)"));
    }
}
