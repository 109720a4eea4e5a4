//! Buffers for files and images.

/// From these sizes on, the memory of files and images is returned to the system on drop.
const LARGE_FILE: usize = 4 << 20;
const LARGE_PICTURE: usize = 32 << 20;

/// glibc keeps freed blocks up to this size for the thread that allocated them.
const KEPT: usize = 32 << 20;

/// Allocates an empty buffer for a file of this many bytes; returns `None` if there is not enough memory.
///
/// A large buffer's memory is returned to the system on drop. Otherwise each reading thread would keep the
/// memory of the largest file that it has read.
pub(super) fn of_file(bytes: usize) -> Option<Vec<u8>> {
    buffer(bytes, bytes >= LARGE_FILE)
}

/// Allocates an empty buffer for a plane of `bytes` bytes of an image of `all` bytes, likewise.
pub(super) fn of_plane(bytes: usize, all: usize) -> Option<Vec<u8>> {
    buffer(bytes, all >= LARGE_PICTURE)
}

/// Allocates a buffer; excess capacity that is never written takes no physical memory. Small blocks are
/// better kept by the allocator, since the system fills new memory with zeros.
fn buffer(bytes: usize, returned: bool) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    if cfg!(target_env = "gnu") && returned && bytes <= KEPT {
        // If this fails, there may still be memory for the bytes themselves.
        let _ = buffer.try_reserve_exact(KEPT + 1);
    }
    buffer.try_reserve_exact(bytes).ok()?;
    Some(buffer)
}
