//! Which file of a repository is the network.

use std::path::Path;

use crate::backbones::Architecture;
use crate::error::HubProblem;

/// The file of a repository that a backbone is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HubFile {
    /// An ONNX network.
    Network(String),
    /// Weights of `PyTorch`.
    Weights(String),
}

impl HubFile {
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Network(path) | Self::Weights(path) => path,
        }
    }
}

/// Where exporters put the network in full precision.
const NETWORKS: [&str; 2] = ["onnx/model.onnx", "model.onnx"];

/// Where the weights are, in the names of their own library.
const WEIGHTS: &str = "model.safetensors";

/// Chooses the file called `wanted`, else the network in full precision, else the only network, else the
/// weights.
pub(super) fn choose(files: &[String], wanted: Option<&str>) -> Result<HubFile, HubProblem> {
    let has = |path: &str| files.iter().any(|file| file == path);
    if let Some(wanted) = wanted {
        return if has(wanted) {
            Ok(named(wanted))
        } else {
            Err(HubProblem::NoFile {
                file: wanted.to_owned(),
                files: files.to_vec(),
            })
        };
    }
    if let Some(network) = NETWORKS.into_iter().find(|path| has(path)) {
        return Ok(named(network));
    }
    let networks: Vec<&String> = files.iter().filter(|file| is_network(file)).collect();
    match networks[..] {
        [only] => Ok(named(only)),
        [] if has(WEIGHTS) => Ok(named(WEIGHTS)),
        [] => Err(none(files)),
        _ => Err(HubProblem::NoNetwork {
            several: true,
            files: networks.into_iter().cloned().collect(),
        }),
    }
}

/// Returns whether a network is chosen whatever other files there are.
pub(super) fn is_first(path: &str) -> bool {
    NETWORKS[0] == path
}

/// Returns the error of a repository without a network that can be used.
pub(super) fn none(files: &[String]) -> HubProblem {
    HubProblem::NoNetwork {
        several: false,
        files: files.to_vec(),
    }
}

fn named(path: &str) -> HubFile {
    let path = path.to_owned();
    if ["safetensors", "pth", "bin"]
        .iter()
        .any(|kind| is_of(&path, kind))
    {
        HubFile::Weights(path)
    } else {
        HubFile::Network(path)
    }
}

fn is_network(file: &str) -> bool {
    is_of(file, "onnx")
}

fn is_of(file: &str, kind: &str) -> bool {
    let ending = Path::new(file).extension();
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case(kind))
}

/// Returns the architecture that timm's name stands for, if its weights have the names and the arithmetic of
/// torchvision's.
pub(super) fn architecture(timm: &str) -> Option<Architecture> {
    let shared = timm.starts_with("vgg") || timm.starts_with("resnet");
    let name = timm.replace('_', "-");
    shared.then(|| name.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[&str], wanted: Option<&str>) -> Result<String, HubProblem> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        choose(&files, wanted).map(|file| file.path().to_owned())
    }

    #[test]
    fn the_network_in_full_precision_is_preferred() {
        let all = [
            "model.onnx",
            "model.safetensors",
            "onnx/model.onnx",
            "onnx/model_fp16.onnx",
            "onnx/model_quantized.onnx",
        ];
        assert_eq!(chosen(&all, None).unwrap(), "onnx/model.onnx");
        assert_eq!(chosen(&all[..2], None).unwrap(), "model.onnx");
        let fp16 = chosen(&all, Some("onnx/model_fp16.onnx")).unwrap();
        assert_eq!(fp16, "onnx/model_fp16.onnx");
        assert_eq!(chosen(&["a.onnx", "README.md"], None).unwrap(), "a.onnx");
        assert_eq!(chosen(&all[1..2], None).unwrap(), "model.safetensors");
    }

    #[test]
    fn several_networks_are_listed() {
        let problem = chosen(&all_but_the_first(), None).unwrap_err();
        let several = "it has several ONNX networks; it has `onnx/model_fp16.onnx`, \
                       `onnx/model_quantized.onnx`";
        assert_eq!(problem.to_string(), several);
        let problem = chosen(&["README.md"], None).unwrap_err().to_string();
        assert!(problem.ends_with("builds; it has `README.md`"), "{problem}");
        let problem = chosen(&["README.md"], Some("a.onnx")).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "it has no file `a.onnx`; it has `README.md`"
        );
    }

    fn all_but_the_first() -> [&'static str; 3] {
        [
            "onnx/model_fp16.onnx",
            "onnx/model_quantized.onnx",
            "model.safetensors",
        ]
    }

    #[test]
    fn architectures_are_those_that_share_torchvisions_weights() {
        assert_eq!(architecture("resnet18"), "resnet18".parse().ok());
        assert_eq!(architecture("vgg16_bn"), "vgg16-bn".parse().ok());
        for other in ["resnet18d", "efficientnet_lite0", "vit_base_patch16_224"] {
            assert_eq!(architecture(other), None, "{other}");
        }
    }
}
