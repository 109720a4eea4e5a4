//! A cache for the graph of a network as ONNX Runtime optimised it for this CPU.
//!
//! Opening `efficientnet-lite0` and running one image takes 73 ms in a fresh process, and 34 ms from the
//! cache (2 cores of AMD Zen 4, ONNX Runtime 1.32): nothing is optimised again, and the weights are mapped
//! into memory rather than copied, so that parallel sessions share them.
//!
//! # Format
//!
//! `FROSTLINE_HOME/cache/graphs/NETWORK-KEY/` contains `graph.onnx`, its weights in `weights.bin`, and `sum`,
//! the BLAKE3 of both files and of what the graph was made from. NETWORK is the start of the network's
//! SHA-256. KEY is a hash of that SHA-256, ONNX Runtime's version, the CPU's instruction sets and how
//! convolutions are computed. A folder that does not match its sum is recreated.
//!
//! The sum detects damage. It is not a signature, so the folder must be private (see
//! [`Home::require_private`]). ONNX Runtime opens the files itself after they were checked against the sum;
//! their stamps show that they have not changed since. Passing it the checked bytes instead
//! (`with_external_initializer_file_in_memory`) takes 15 ms more for each start and each session, since it
//! copies them twice. The downside: truncating `weights.bin` while it is mapped kills this process. frostline
//! itself only replaces whole files there and never modifies one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::instruction_sets::instruction_sets;
use crate::backbones::{Home, RunOptions, RuntimeLibrary};
use crate::error::{Error, Result};
use crate::inputs::{self, Links};
use crate::outputs;
use crate::stamp::Stamp;

const GRAPH: &str = "graph.onnx";
const WEIGHTS: &str = "weights.bin";
const SUM: &str = "sum";

/// The size limit of a cached graph, and of its weights, which ONNX Runtime pads.
const MOST_KEPT: u64 = 4 * GraphCache::MOST_BYTES;

/// The cache of one network's optimised graph.
#[derive(Debug, Clone)]
pub(super) struct GraphCache {
    home: Home,
    graphs: PathBuf,
    /// The start of the folder's name.
    network: String,
    /// What the graph is made from: network, runtime, CPU and how convolutions are computed.
    made_from: String,
}

/// A cached graph, as it was read from its folder.
#[derive(Debug, Clone)]
pub(super) struct KeptGraph {
    folder: PathBuf,
    /// The stamps of the graph and its weights, taken before they were read.
    stamps: [Option<Stamp>; 2],
    sum: String,
    /// The size of both in bytes.
    pub(super) bytes: u64,
}

impl GraphCache {
    /// The largest network that is cached, in bytes. For larger ones, a second copy on disk would cost more
    /// than the faster start is worth.
    pub(super) const MOST_BYTES: u64 = 64 << 20;

    /// Creates the cache of the network with this SHA-256.
    ///
    /// # Errors
    /// [`HomeProblem::Shared`](crate::error::HomeProblem::Shared) if other users can write to it.
    pub(super) fn new(
        sha256: &str,
        library: &RuntimeLibrary,
        options: &RunOptions,
    ) -> Result<Self> {
        let (home, sets) = (&options.home, instruction_sets());
        let convolutions = options.convolutions;
        let cache = Self {
            home: home.clone(),
            graphs: home.cache().join("graphs"),
            network: format!("{sha256:.16}"),
            made_from: format!("{sha256} {} {sets} {convolutions:?}", library.version),
        };
        for name in [GRAPH, WEIGHTS, SUM] {
            home.require_private(&cache.folder().join(name))?;
        }
        Ok(cache)
    }

    fn folder(&self) -> PathBuf {
        let key = blake3::hash(self.made_from.as_bytes()).to_hex();
        self.graphs.join(format!("{}-{key:.16}", self.network))
    }

    /// Returns the cached graph, if it exists and matches its sum.
    pub(super) fn find(&self) -> Option<KeptGraph> {
        let kept = KeptGraph::read(&self.folder(), &self.made_from).ok()?;
        let written = read(&kept.folder.join(SUM), kept.sum.len() as u64).ok()?;
        (written == kept.sum.as_bytes()).then_some(kept)
    }

    /// Opens a session from the network's file and caches its graph; `None` if that fails, as in a read-only
    /// home.
    pub(super) fn fill(&self, path: &Path, builder: SessionBuilder) -> Option<Session> {
        self.home.make(&self.graphs).ok()?;
        let beside = outputs::temporary_folder(&self.graphs).ok()?;
        let session = save(path, beside.path(), builder).ok()?;
        self.keep(beside.path()).ok()?;
        Some(session)
    }

    fn keep(&self, beside: &Path) -> Result<()> {
        let kept = KeptGraph::read(beside, &self.made_from).map_err(Error::io("read", beside))?;
        outputs::write_bytes(&beside.join(SUM), kept.sum.as_bytes())?;
        self.forget();
        outputs::take_place(beside, &self.folder())
    }

    /// Removes the cached graphs of this network, for any version and CPU.
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

impl KeptGraph {
    fn read(folder: &Path, made_from: &str) -> io::Result<Self> {
        let stamps = stamps(folder);
        let graph = read(&folder.join(GRAPH), MOST_KEPT)?;
        let weights = match read(&folder.join(WEIGHTS), MOST_KEPT) {
            // No weight is large enough to be stored outside the graph.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            weights => weights?,
        };
        let mut hasher = blake3::Hasher::new();
        for part in [made_from.as_bytes(), &graph, &weights] {
            // The lengths separate the parts.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Ok(Self {
            folder: folder.to_owned(),
            stamps,
            sum: hasher.finalize().to_hex().to_string(),
            bytes: (graph.len() + weights.len()) as u64,
        })
    }

    /// Opens a session; `None` if the files have changed since they were read, or ONNX Runtime refuses them.
    pub(super) fn open(&self, builder: SessionBuilder) -> Option<Session> {
        let builder = builder.with_optimization_level(GraphOptimizationLevel::Disable);
        let session = builder.ok()?.commit_from_file(self.folder.join(GRAPH));
        session.ok().filter(|_| self.is_unchanged())
    }

    fn is_unchanged(&self) -> bool {
        stamps(&self.folder) == self.stamps
    }
}

fn stamps(folder: &Path) -> [Option<Stamp>; 2] {
    [GRAPH, WEIGHTS].map(|name| {
        let metadata = fs::symlink_metadata(folder.join(name)).ok()?;
        Some(Stamp::of(&metadata))
    })
}

fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    inputs::read(path, Links::Refuse, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(graphs: &Path, sha256: &str) -> GraphCache {
        GraphCache {
            home: Home::at(graphs),
            graphs: graphs.to_owned(),
            network: format!("{sha256:.16}"),
            made_from: sha256.to_owned(),
        }
    }

    /// Creates a cache with a graph and weights that stand in for those of ONNX Runtime.
    fn kept(graphs: &Path) -> GraphCache {
        let cache = cache(graphs, &"a".repeat(64));
        let beside = outputs::temporary_folder(graphs).unwrap();
        fs::write(beside.path().join(GRAPH), "graph").unwrap();
        fs::write(beside.path().join(WEIGHTS), "weights").unwrap();
        cache.keep(beside.path()).unwrap();
        cache
    }

    #[test]
    fn every_bit_counts() {
        let folder = tempfile::tempdir().unwrap();
        let cache = kept(folder.path());
        assert_eq!(cache.find().unwrap().bytes, 12);
        for name in [GRAPH, WEIGHTS, SUM] {
            let path = cache.folder().join(name);
            let right = fs::read(&path).unwrap();
            for bit in 0..right.len() * 8 {
                let mut flipped = right.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                fs::write(&path, &flipped).unwrap();
                assert!(cache.find().is_none(), "bit {bit} of {name}");
            }
            for damaged in [&right[1..], &right[..right.len() - 1], &[]] {
                fs::write(&path, damaged).unwrap();
                assert!(cache.find().is_none(), "{name}");
            }
            fs::remove_file(&path).unwrap();
            assert!(cache.find().is_none(), "without {name}");
            fs::write(&path, &right).unwrap();
            assert!(cache.find().is_some());
        }
    }

    #[test]
    fn bytes_that_move_from_one_file_to_the_other_count_too() {
        let folder = tempfile::tempdir().unwrap();
        let cache = kept(folder.path());
        fs::write(cache.folder().join(GRAPH), "graphw").unwrap();
        fs::write(cache.folder().join(WEIGHTS), "eights").unwrap();
        assert!(cache.find().is_none());
    }

    #[test]
    fn the_graph_of_another_network_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let from = kept(folder.path()).folder();
        let other = cache(folder.path(), &"b".repeat(64));
        fs::rename(from, other.folder()).unwrap();
        assert!(other.find().is_none());
    }

    #[test]
    fn a_file_that_is_changed_after_it_was_read_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let found = kept(folder.path()).find().unwrap();
        assert!(found.is_unchanged());
        let weights = found.folder.join(WEIGHTS);
        let file = fs::File::options().write(true).open(weights).unwrap();
        file.set_len(3).unwrap();
        assert!(!found.is_unchanged());
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_links_are_no_kept_graph() {
        let folder = tempfile::tempdir().unwrap();
        let cache = kept(folder.path());
        for name in [GRAPH, WEIGHTS, SUM] {
            let path = cache.folder().join(name);
            let away = folder.path().join(name);
            fs::rename(&path, &away).unwrap();
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            assert!(made.unwrap().success());
            assert!(cache.find().is_none(), "{name}");
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(&away, &path).unwrap();
            assert!(cache.find().is_none(), "{name}");
            fs::remove_file(&path).unwrap();
            fs::rename(&away, &path).unwrap();
        }
        assert!(cache.find().is_some());
    }
}
