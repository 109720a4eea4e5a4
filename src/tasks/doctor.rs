//! `doctor`: what is there, what is missing, and the command that mends it.

use std::path::Path;
use std::time::Instant;

use crate::backbones::{
    Backbone, DEFAULT_BACKBONE, Decoding, DeviceRequest, Frozen, Home, Registry, RunOptions,
    RuntimeLibrary, available_providers,
};
use crate::error::{Error, Result};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// How it is.
    pub verdict: Verdict,
}

/// How a thing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All right, with details.
    Good(String),
    /// Missing or broken, with what mends it.
    Bad {
        /// What is wrong.
        problem: String,
        /// What mends it.
        hint: Option<String>,
    },
}

/// Looks at everything that frostline needs.
#[must_use]
pub fn doctor(home: &Home) -> Vec<Finding> {
    let mut findings = vec![
        finding(
            "frostline",
            Ok(format!("{} on {} CPUs", env!("CARGO_PKG_VERSION"), cpus())),
        ),
        finding("FROSTLINE_HOME", Ok(home.path().display().to_string())),
    ];
    let library = RuntimeLibrary::find(home);
    let providers = library
        .as_ref()
        .ok()
        .map(|library| available_providers(library).map(|names| names.join(", ")));
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
    findings.extend(providers.map(|providers| finding("providers", providers)));
    findings.extend(backbones(home));
    findings.push(finding("one batch", one_batch(home)));
    findings
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn finding(subject: &str, result: Result<String>) -> Finding {
    let verdict = match result {
        Ok(details) => Verdict::Good(details),
        Err(error) => Verdict::Bad {
            problem: with_causes(&error),
            hint: error.hint().map(ToOwned::to_owned),
        },
    };
    Finding {
        subject: subject.to_owned(),
        verdict,
    }
}

fn with_causes(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn backbones(home: &Home) -> Vec<Finding> {
    let registry = Registry::new(home.clone());
    let installed = match registry.list() {
        Ok(list) => list.into_iter().filter(|backbone| backbone.path.is_some()),
        Err(error) => return vec![finding("backbones", Err(error))],
    };
    installed
        .map(|backbone| {
            let name = &backbone.manifest.name;
            let hash = registry
                .resolve(Path::new(name))
                .and_then(|file| file.sha256());
            finding(
                &format!("backbone {name}"),
                hash.map(|hash| format!("SHA-256 {hash}")),
            )
        })
        .collect()
}

/// Eight blank pictures through the default backbone.
fn one_batch(home: &Home) -> Result<String> {
    const N: usize = 8;
    let run = RunOptions {
        home: home.clone(),
        device: DeviceRequest::Auto,
        threads: cpus(),
    };
    let mut frozen = Frozen::by_name(
        Path::new(DEFAULT_BACKBONE),
        |_| {},
        Decoding::default(),
        &run,
    )?;
    let batch = vec![0.0; N * frozen.spec.preprocessing.num_values()];
    let start = Instant::now();
    frozen.backbone.forward(&batch, N)?;
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0 / N as f64;
    let (name, engine) = (&frozen.spec.backbone.name, &frozen.engine);
    Ok(format!(
        "{name} on {} with {}: {milliseconds:.1} ms an image",
        engine.device, engine.runtime
    ))
}
