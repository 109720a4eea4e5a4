//! Memory for files and pictures.

/// Files from this size on, and pictures, are worth asking the system for memory.
const LARGE_FILE: usize = 4 << 20;
const LARGE_PICTURE: usize = 32 << 20;

/// glibc keeps freed blocks of up to this size for the thread that asked for them.
const KEPT: usize = 32 << 20;

/// An empty buffer for a file of so many bytes; `None` without memory.
///
/// Of a large one the system gets the memory back when it is dropped: else each of the threads that read
/// files in turn would keep the largest it has read.
pub(super) fn of_file(bytes: usize) -> Option<Vec<u8>> {
    buffer(bytes, bytes >= LARGE_FILE)
}

/// An empty buffer for a plane of so many bytes of a picture of `all`, likewise.
pub(super) fn of_plane(bytes: usize, all: usize) -> Option<Vec<u8>> {
    buffer(bytes, all >= LARGE_PICTURE)
}

/// Room that is not written to takes no memory. But the system fills new memory with zeros, so small blocks
/// are better kept.
fn buffer(bytes: usize, returned: bool) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    if cfg!(target_env = "gnu") && returned && bytes <= KEPT {
        // Where that is more than there is, the bytes themselves may do.
        let _ = buffer.try_reserve_exact(KEPT + 1);
    }
    buffer.try_reserve_exact(bytes).ok()?;
    Some(buffer)
}
