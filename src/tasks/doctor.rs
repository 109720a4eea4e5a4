//! `doctor`: checks the installation.

mod nvidia;

use std::path::Path;
use std::time::Instant;

use crate::backbones::{
    Backbone, BackboneManifest, DEFAULT_BACKBONE, Decoding, Device, DeviceRequest, Frozen, Home,
    Registry, RunOptions, RuntimeLibrary, available_providers,
};
use crate::error::{BackboneError, Error, NetworkProblem, Result};

/// The result of one check.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finding {
    /// What was checked.
    pub subject: String,
    /// The state that it was found in.
    pub verdict: Verdict,
}

/// The state of what was checked.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug)]
pub enum Verdict {
    /// It works; with details.
    Good(String),
    /// It works with limitations.
    Limited(Error),
    /// Missing or broken.
    Bad(Error),
}

/// Checks everything that frostline needs to run.
#[must_use]
pub fn doctor(home: &Home) -> Vec<Finding> {
    let mut findings = vec![
        finding(
            "frostline",
            Ok(format!("{} on {} CPUs", env!("CARGO_PKG_VERSION"), cpus())),
        ),
        home_finding(home),
    ];
    if matches!(findings[1].verdict, Verdict::Bad { .. }) {
        // All other checks would fail for the same reason.
        return findings;
    }
    findings.extend(nvidia::gpus().map(|gpus| Finding {
        subject: "NVIDIA GPUs".to_owned(),
        // Without them, everything runs on the CPU.
        verdict: gpus.map_or_else(Verdict::Limited, Verdict::Good),
    }));
    let library = RuntimeLibrary::find(home);
    let providers = library.as_ref().ok().map(available_providers);
    let carried = providers
        .as_ref()
        .and_then(|list| list.as_ref().ok().cloned());
    findings.push(finding(
        "ONNX Runtime",
        library.map(|l| {
            format!(
                "{} at `{}` (found by: {})",
                l.version,
                l.path.display(),
                l.origin
            )
        }),
    ));
    findings.extend(providers.map(|list| finding("providers", list.map(|names| names.join(", ")))));
    findings.extend(backbones(home));
    findings.extend(batches(home, carried.as_deref()));
    findings
}

/// Checks `FROSTLINE_HOME`. A read-only one is only a limitation: installed networks work, without the cache.
fn home_finding(home: &Home) -> Finding {
    let subject = "FROSTLINE_HOME";
    if let Err(error) = home.check_private() {
        return finding(subject, Err(error));
    }
    match home.check_writable() {
        Ok(()) => finding(subject, Ok(home.path().display().to_string())),
        Err(error) => Finding {
            subject: subject.to_owned(),
            verdict: Verdict::Limited(error),
        },
    }
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn finding(subject: &str, result: Result<String>) -> Finding {
    let verdict = match result {
        Ok(details) => Verdict::Good(details),
        Err(error) => Verdict::Bad(error),
    };
    Finding {
        subject: subject.to_owned(),
        verdict,
    }
}

fn backbones(home: &Home) -> Vec<Finding> {
    let registry = Registry::new(home.clone());
    let listing = registry.list();
    let broken = listing.broken.into_iter();
    let broken = broken.map(|error| finding("backbone", Err(error)));
    let installed = listing.backbones.into_iter();
    installed
        .filter(|backbone| backbone.path.is_some())
        .map(|backbone| {
            let name = &backbone.manifest.name;
            let file = registry.resolve(Path::new(name));
            let found = file.and_then(|file| Ok((file.sha256()?, origin(&file.manifest))));
            finding(
                &format!("backbone {name}"),
                found.map(|(hash, origin)| format!("SHA-256 {hash}{origin}")),
            )
        })
        .chain(broken)
        .collect()
}

/// Returns a remark on an installed backbone that has a known name but another source.
fn origin(installed: &BackboneManifest) -> &'static str {
    match Registry::known_by_name(&installed.name) {
        Ok(known) if known.source != installed.source => {
            " (not made from the known file of this name)"
        }
        _ => "",
    }
}

/// Runs a test batch on the CPU, and on the GPU if ONNX Runtime has the CUDA provider.
fn batches(home: &Home, providers: Option<&[&str]>) -> Vec<Finding> {
    let cpu = batch(home, Device::Cpu);
    let has_cuda = providers.is_some_and(|providers| providers.contains(&"CUDA"));
    let gpu = has_cuda.then(|| batch(home, Device::Cuda(0)));
    let against = match (&cpu, &gpu) {
        (Ok(cpu), Some(Ok(gpu))) => Some(gpu.against(cpu)),
        _ => None,
    };
    let mut findings = vec![match cpu {
        // Bundles and networks given as files work without it.
        Err(
            error @ Error::Backbone(BackboneError::Network {
                problem: NetworkProblem::NotInstalled { .. },
                ..
            }),
        ) => Finding {
            subject: "test batch".to_owned(),
            verdict: Verdict::Limited(error),
        },
        cpu => finding("test batch", cpu.map(|batch| batch.to_string())),
    }];
    findings.extend(gpu.map(|gpu| finding("GPU batch", gpu.map(|batch| batch.to_string()))));
    findings.extend(against.map(|text| finding("GPU vs. CPU", Ok(text))));
    findings
}

/// The result of a test batch.
struct Batch {
    about: String,
    features: Vec<f32>,
    /// The network's time per image.
    milliseconds: f64,
}

impl std::fmt::Display for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:.1} ms per image", self.about, self.milliseconds)
    }
}

impl Batch {
    fn against(&self, other: &Self) -> String {
        let pairs = self.features.iter().zip(&other.features);
        let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        format!(
            "features differ by at most {difference:.1e}; the GPU is {:.1} times as fast",
            other.milliseconds / self.milliseconds
        )
    }
}

/// Runs eight images through the default backbone twice, and times the second run, without one-time setup.
fn batch(home: &Home, device: Device) -> Result<Batch> {
    const N: usize = 8;
    let run = RunOptions {
        device: DeviceRequest::Exactly(device),
        ..RunOptions::new(home.clone())
    };
    let name = Path::new(DEFAULT_BACKBONE);
    let mut frozen = Frozen::by_name(name, |_| {}, Decoding::default(), &run)?;
    let size = N * frozen.spec.preprocessing.num_values();
    let pictures: Vec<f32> = (0..size).map(|i| (i % 255) as f32 / 127.5 - 1.0).collect();
    frozen.backbone.forward(&pictures, N)?;
    let start = Instant::now();
    let features = frozen.backbone.forward(&pictures, N)?;
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0 / N as f64;
    let name = &frozen.spec.backbone.name;
    Ok(Batch {
        about: format!("{name} with {}", frozen.engine),
        features,
        milliseconds,
    })
}
