//! Wheels that are pinned and served by a script in the place of pip.

use std::fs;

use frostline::Error;
use frostline::backbones::onnx::write_model;
use frostline::backbones::{BackboneManifest, Home, Registry, Source};
use frostline::error::{PipProblem, TaskError};
use frostline::progress::Silent;
use frostline::tasks::{
    Catalogue, FileOrigin, Gpu, PinnedWheel, Python, Requirement, SetupOptions, SetupOutcome,
    SetupPart, SetupPiece, setup,
};
use frostline_onnx::weights::Tensor;
use frostline_onnx::{Conv, GraphBuilder};
use sha2::{Digest, Sha256};

use super::fake::Fake;
use crate::harness::{Place, runtime_library};

const KEPT: SetupOutcome = SetupOutcome::Kept { unused: Vec::new() };

const RUNTIME: &str = "onnxruntime-9.0-py3-none-any.whl";
const WEIGHTS: &str = "probe_weights-1.0-py3-none-any.whl";
const FILE: &str = "probe_weights/models/probe.onnx";
const CUDA: [&str; 2] = [
    "gpu_one-9.0-py3-none-any.whl",
    "gpu_two-9.0-py3-none-any.whl",
];

fn sha256(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    let digits = sum.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.map(|digit| char::from_digit(digit.into(), 16).unwrap());
    digits.collect()
}

/// A network with 192 features and a classifier of two classes.
fn network() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probe.onnx");
    let mut graph = GraphBuilder::new(&[3, 8, 8]);
    let tensor = |shape: &[usize]| Tensor {
        shape: shape.to_vec(),
        data: vec![0.5; shape.iter().product()],
    };
    let conv = Conv {
        weight: tensor(&[3, 3, 1, 1]),
        bias: tensor(&[3]),
        stride: 1,
        padding: (0, 0),
        groups: 1,
    };
    let mixed = graph.conv("mixed", &graph.input(), &conv);
    let map = graph.flatten("map", &mixed);
    let logits = graph.linear("logits", &map, &tensor(&[2, 192]), &tensor(&[2]));
    write_model(&graph.finish(&[(&logits, &[2])]), &path).unwrap();
    fs::read(path).unwrap()
}

/// An empty home, an index with a runtime, weights and wheels for GPUs, and the options to install them.
struct Pinned {
    fake: Fake,
    options: SetupOptions,
}

impl Pinned {
    fn new() -> Option<Self> {
        let library = fs::read(runtime_library()?).unwrap();
        let fake = Fake::new(Place::empty());
        let network = network();
        let capi = "onnxruntime/capi/libonnxruntime.so.9";
        fake.offer(RUNTIME, &[("onnxruntime/a.py", b""), (capi, &library)]);
        fake.offer(WEIGHTS, &[(FILE, &network)]);
        let nvidia = "nvidia/cu13/lib/libcublas.so.13";
        fake.offer(CUDA[0], &[(capi, &library), ("gpu/readme.txt", b"")]);
        fake.offer(
            CUDA[1],
            &[(nvidia, b"cublas"), ("../lib/../libup.so", b"up")],
        );
        let mut manifest = BackboneManifest::named("probe");
        manifest.source = Some(Source {
            package: Some("probe-weights==1.0".to_owned()),
            file: Some(FILE.to_owned()),
            urls: Vec::new(),
            repository: None,
            revision: None,
            card: None,
            arch: None,
            sha256: sha256(&network),
            bytes: network.len() as u64,
        });
        let pinned = |file: &str| {
            let mut parts = file.split('-');
            let bytes = fs::read(fake.0.folder().join("index").join(file)).unwrap();
            Requirement {
                name: parts.next().unwrap().replace('_', "-"),
                version: parts.next().unwrap().to_owned(),
                wheels: vec![PinnedWheel {
                    file: file.to_owned(),
                    sha256: sha256(&bytes),
                }],
            }
        };
        let mut options = SetupOptions::new(Home::at(fake.0.path("home")));
        options.catalogue = Catalogue {
            runtime: pinned(RUNTIME),
            cuda: CUDA.map(pinned).to_vec(),
            weights: vec![pinned(WEIGHTS)],
            backbones: vec![manifest],
        };
        "probe".clone_into(&mut options.backbone);
        options.python = Python::default();
        options.python.programs = vec!["/no/such/python".into(), fake.0.path("bin/python3").into()];
        Some(Self { fake, options })
    }

    fn setup(&self) -> frostline::Result<Vec<SetupPiece>> {
        let mut pieces = Vec::new();
        setup(
            &self.options,
            &mut |piece| pieces.push(piece.clone()),
            &Silent,
        )?;
        Ok(pieces)
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.fake.0.folder().join("index").join(file)).unwrap();
    }
}

fn installed_by_pip(piece: &SetupPiece, package: &str) -> bool {
    let SetupOutcome::Installed {
        origin, replaced, ..
    } = &piece.outcome
    else {
        return false;
    };
    *origin == FileOrigin::Pip(vec![package.to_owned()]) && !replaced
}

#[test]
fn a_fresh_home_is_set_up_and_a_second_run_does_nothing() {
    let Some(pinned) = Pinned::new() else { return };
    let pieces = pinned.setup().unwrap();
    assert!(
        installed_by_pip(&pieces[0], "onnxruntime==9.0"),
        "{pieces:?}"
    );
    assert!(
        installed_by_pip(&pieces[1], "probe-weights==1.0"),
        "{pieces:?}"
    );
    assert_eq!(pieces[1].part, SetupPart::Backbone("probe".to_owned()));
    let fake = &pinned.fake;
    assert_eq!(
        fake.names("runtime"),
        ["libonnxruntime.so.9", "sha256sums.txt"]
    );
    assert_eq!(fake.names("models"), ["probe.onnx", "probe.toml"]);
    assert_eq!(
        fake.names("downloads"),
        ["probe.onnx"],
        "wheels are removed"
    );
    let registry = Registry::new(pinned.options.home.clone());
    let manifest = registry.resolve("probe".as_ref()).unwrap().manifest;
    assert_eq!(manifest.features.num_features, Some(192));
    let calls = fake.calls();
    let again = pinned.setup().unwrap();
    let kept = |piece: &SetupPiece| piece.outcome == KEPT;
    assert!(again.len() == 2 && again.iter().all(kept), "{again:?}");
    assert_eq!(fake.calls(), calls, "Python was called again");
    // Without its manifest, the backbone would be used with a guessed preprocessing.
    let manifest = pinned.options.home.models().join("probe.toml");
    let text = fs::read(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    pinned.setup().unwrap();
    assert!(fs::read(&manifest).unwrap() == text);
    // What was downloaded once is used again.
    fs::remove_dir_all(pinned.options.home.models()).unwrap();
    pinned.remove(WEIGHTS);
    pinned.setup().unwrap();
}

#[test]
fn what_is_there_when_a_setup_fails_is_not_fetched_again() {
    let Some(pinned) = Pinned::new() else { return };
    let weights = pinned.fake.0.folder().join("index").join(WEIGHTS);
    let bytes = fs::read(&weights).unwrap();
    pinned.remove(WEIGHTS);
    let Err(Error::Task(TaskError::Pip { needed, .. })) = pinned.setup() else {
        panic!("there is no wheel");
    };
    assert_eq!((needed.len(), &*needed[0].file), (1, WEIGHTS));
    pinned.remove(RUNTIME);
    fs::write(weights, bytes).unwrap();
    let pieces = pinned.setup().unwrap();
    assert_eq!(pieces[0].outcome, KEPT);
    assert!(
        installed_by_pip(&pieces[1], "probe-weights==1.0"),
        "{pieces:?}"
    );
}

#[test]
fn a_wheel_that_was_left_is_used_only_with_its_hash() {
    let Some(pinned) = Pinned::new() else { return };
    let downloads = pinned.options.home.downloads();
    fs::create_dir_all(&downloads).unwrap();
    for (file, keep) in [(RUNTIME, usize::MAX), (WEIGHTS, 100)] {
        let bytes = fs::read(pinned.fake.0.folder().join("index").join(file)).unwrap();
        fs::write(downloads.join(file), &bytes[..keep.min(bytes.len())]).unwrap();
    }
    pinned.remove(RUNTIME);
    pinned.setup().unwrap();
}

#[test]
fn another_wheel_than_the_pinned_one_is_refused() {
    let Some(pinned) = Pinned::new() else { return };
    pinned.fake.offer(
        RUNTIME,
        &[("onnxruntime/capi/libonnxruntime.so.9", b"evil")],
    );
    let Err(Error::Task(TaskError::Pip {
        problem, needed, ..
    })) = pinned.setup()
    else {
        panic!("the wheel has another SHA-256");
    };
    assert!(matches!(problem, PipProblem::OtherFile(_)), "{problem}");
    assert_eq!(needed.len(), 2, "both wheels can be brought at once");
    assert_eq!(pinned.fake.names("downloads").len(), 0);
    assert_eq!(pinned.fake.names("runtime").len(), 0);
}

#[test]
fn libraries_for_gpus_are_put_into_one_folder() {
    let Some(mut pinned) = Pinned::new() else {
        return;
    };
    pinned.options.gpu = Gpu::Cuda;
    let second = pinned.fake.0.folder().join("index").join(CUDA[1]);
    let bytes = fs::read(&second).unwrap();
    pinned.remove(CUDA[1]);
    pinned.setup().unwrap_err();
    assert_eq!(
        pinned.fake.names("downloads"),
        [CUDA[0]],
        "kept for the next run"
    );
    assert!(!pinned.options.home.runtime_cuda().exists());
    pinned.remove(CUDA[0]);
    fs::write(second, bytes).unwrap();
    let folder = pinned.options.home.runtime_cuda();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("libold.so"), "of a setup that was killed").unwrap();
    pinned.setup().unwrap();
    let names = [
        "libcublas.so.13",
        "libonnxruntime.so.9",
        "libup.so",
        "sha256sums.txt",
    ];
    assert_eq!(pinned.fake.names("runtime-cuda"), names);
    assert_eq!(pinned.fake.names("downloads"), ["probe.onnx"]);
    let calls = pinned.fake.calls();
    pinned.setup().unwrap();
    assert_eq!(pinned.fake.calls(), calls);
}
