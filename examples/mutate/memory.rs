//! Measures how much memory a round takes and whether it grows.

/// Allowed memory growth after the first tenth of a round: what the allocator keeps, and the largest file.
const GROWTH: u64 = 64 << 20;

/// Memory of the process at the end of a round, in bytes.
pub(crate) struct Memory {
    /// The peak.
    pub(crate) peak: u64,
    /// Growth since the first tenth of the round.
    pub(crate) grown: u64,
}

impl Memory {
    /// Measures the memory now; `warm` is the memory after the first tenth.
    pub(crate) fn after(warm: u64) -> Option<Self> {
        Some(Self {
            peak: status("VmHWM")?,
            grown: resident()?.saturating_sub(warm),
        })
    }

    /// Returns a message if the memory grew too much.
    pub(crate) fn failure(&self) -> Option<String> {
        let grown = self.grown >> 20;
        (self.grown > GROWTH).then(|| format!("memory grew by {grown} MiB"))
    }
}

/// Returns the process's memory in bytes.
pub(crate) fn resident() -> Option<u64> {
    status("VmRSS")
}

/// Reads a field of the process's status in bytes; `None` on systems other than Linux.
fn status(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let number = line.split_ascii_whitespace().nth(1)?;
    Some(number.parse::<u64>().ok()? << 10)
}
