//! What a file is that is no head file, from its first bytes.

/// First bytes, and what they are the first bytes of.
const KINDS: [(&[u8], &str); 9] = [
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or another RIFF file"),
    (b"PK\x03\x04", "a zip archive, such as PyTorch's .pth"),
    (b"\x80\x02", "a pickle, such as PyTorch's older .pth"),
    (
        b"ARROW1",
        "an Arrow file, such as a part of a feature store",
    ),
    (b"\x89HDF", "an HDF5 file, such as Keras's .h5"),
    (b"\x93NUMPY", "a NumPy array"),
];

/// What the file looks like, in words with an article.
pub(super) fn of(first_bytes: &[u8]) -> String {
    if let Some((_, kind)) = KINDS
        .iter()
        .find(|(magic, _)| first_bytes.starts_with(magic))
    {
        return (*kind).to_owned();
    }
    let text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if first_bytes.iter().all(text) {
        return format!(
            "a text that begins with {:?}",
            String::from_utf8_lossy(first_bytes)
        );
    }
    let hex: Vec<_> = first_bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("something that begins with the bytes {}", hex.join(" "))
}
