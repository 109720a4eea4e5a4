//! A network's graph as ONNX Runtime optimised it for this CPU, kept for the next start.
//!
//! Opening `efficientnet-lite0` and running one image takes 73 ms in a fresh process, and 34 ms from here (2 cores of AMD
//! Zen 4, ONNX Runtime 1.32): nothing is optimised again, and the weights are mapped into memory rather than copied, so that
//! sessions side by side share them.
//!
//! # Format
//!
//! `FROSTLINE_HOME/cache/graphs/NETWORK-KEY/`: `graph.onnx`, its weights in `weights.bin`, and the BLAKE3 of both in `sum`.
//! NETWORK begins the network's SHA-256, KEY stands for that, ONNX Runtime's version, the CPU's instruction sets and
//! how convolutions are computed. A folder that does not fit its sum is made anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::instruction_sets::instruction_sets;
use crate::backbones::{Convolutions, Home, RuntimeLibrary};
use crate::error::{Error, Result};
use crate::outputs;

const GRAPH: &str = "graph.onnx";
const WEIGHTS: &str = "weights.bin";
const SUM: &str = "sum";

/// The place of one network's optimised graph.
#[derive(Debug, Clone)]
pub(super) struct GraphCache {
    graphs: PathBuf,
    network: String,
    key: String,
}

impl GraphCache {
    /// Of networks with larger weights, a second copy on the disk would cost more than the start that it saves.
    pub(super) const MOST_BYTES: u64 = 64 << 20;

    pub(super) fn new(
        home: &Home,
        sha256: &str,
        library: &RuntimeLibrary,
        convolutions: Convolutions,
    ) -> Self {
        let sets = instruction_sets();
        let all = format!("{sha256} {} {sets} {convolutions:?}", library.version);
        Self {
            graphs: home.cache().join("graphs"),
            network: format!("{sha256:.16}"),
            key: format!("{:.16}", blake3::hash(all.as_bytes()).to_hex()),
        }
    }

    fn folder(&self) -> PathBuf {
        self.graphs.join(format!("{}-{}", self.network, self.key))
    }

    /// The bytes of graph and weights, where they are there and are what was written.
    pub(super) fn bytes(&self) -> Option<u64> {
        let folder = self.folder();
        let written = fs::read_to_string(folder.join(SUM)).ok()?;
        let (sum, bytes) = sum(&folder).ok()?;
        (sum == written).then_some(bytes)
    }

    /// Opens a session of the kept graph.
    pub(super) fn open(&self, builder: SessionBuilder) -> ort::Result<Session> {
        let mut builder = builder.with_optimization_level(GraphOptimizationLevel::Disable)?;
        builder.commit_from_file(self.folder().join(GRAPH))
    }

    /// Opens a session of the network's file and keeps its graph; `None` where that fails, as in a home that is read only.
    pub(super) fn fill(&self, path: &Path, builder: SessionBuilder) -> Option<Session> {
        let beside = outputs::temporary_folder(&self.graphs).ok()?;
        let session = save(path, beside.path(), builder).ok()?;
        self.keep(beside.path()).ok()?;
        Some(session)
    }

    fn keep(&self, beside: &Path) -> Result<()> {
        let (sum, _) = sum(beside).map_err(Error::io("read", beside))?;
        outputs::write_bytes(&beside.join(SUM), sum.as_bytes())?;
        self.forget();
        outputs::take_place(beside, &self.folder())
    }

    /// Removes what was kept of this network, for any version and CPU.
    fn forget(&self) {
        let entries = fs::read_dir(&self.graphs).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(&self.network) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn save(path: &Path, folder: &Path, builder: SessionBuilder) -> ort::Result<Session> {
    let external = "session.optimized_model_external_initializers_";
    let mut builder = builder
        .with_config_entry(format!("{external}file_name"), WEIGHTS)?
        .with_config_entry(format!("{external}min_size_in_bytes"), "1024")?
        .with_optimized_model_path(folder.join(GRAPH))?;
    builder.commit_from_file(path)
}

/// BLAKE3 of graph and weights, and their bytes.
fn sum(folder: &Path) -> io::Result<(String, u64)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&fs::read(folder.join(GRAPH))?);
    match fs::read(folder.join(WEIGHTS)) {
        Ok(weights) => {
            hasher.update(&weights);
        }
        // None of them is large enough to stand there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
}
