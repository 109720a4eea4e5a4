//! How much memory a round takes, and whether it grows.

/// Memory that may be taken after the first tenth of a round and not given back: what the allocator keeps of
/// small blocks, which is up to 110 MiB after the frames of AV1, in rounds of any length.
const GROWTH: u64 = 160 << 20;

/// Memory of the process at the end of a round, in bytes.
pub(crate) struct Memory {
    /// The most that there was.
    pub(crate) peak: u64,
    /// More than after the first tenth of the round.
    pub(crate) grown: u64,
}

impl Memory {
    /// At the end, after so much at the start.
    pub(crate) fn after(warm: u64) -> Option<Self> {
        Some(Self {
            peak: status("VmHWM")?,
            grown: resident()?.saturating_sub(warm),
        })
    }

    /// What is wrong with it, where anything is.
    pub(crate) fn failure(&self) -> Option<String> {
        let grown = self.grown >> 20;
        (self.grown > GROWTH).then(|| format!("memory grew by {grown} MiB"))
    }
}

/// The process's memory, in bytes.
pub(crate) fn resident() -> Option<u64> {
    status("VmRSS")
}

/// What Linux says of the process, in bytes; nothing elsewhere.
fn status(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let number = line.split_ascii_whitespace().nth(1)?;
    Some(number.parse::<u64>().ok()? << 10)
}
