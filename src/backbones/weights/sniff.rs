//! What a file is, from its first bytes.

/// How many bytes of the start are looked at: `ustar` of a tar file stands at 257.
pub(super) const START: u64 = 512;

/// What a file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A pickle: the older format, or any other pickle.
    Legacy,
    /// A zip archive.
    Archive,
    /// Something else, in words that follow on "it is not weights:".
    Foreign(&'static str),
}

/// Tells what a file is from its first [`START`] bytes.
pub(super) fn kind(start: &[u8]) -> Kind {
    match start {
        [0x80] | [0x80, 2..=5, ..] => Kind::Legacy,
        [b'P', b'K', 3, 4, ..] => Kind::Archive,
        _ => Kind::Foreign(
            text(start)
                .or_else(|| binary(start))
                .unwrap_or("it is of a kind that is not known"),
        ),
    }
}

fn text(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text {
        _ if start.is_empty() => Some("it is empty"),
        _ if text.starts_with("version https://git-lfs") => {
            Some("it is a Git LFS pointer, run `git lfs pull`")
        }
        _ if text.starts_with('<') => Some("it is a web page, perhaps in place of a download"),
        _ if text.starts_with('{') => Some("it is JSON"),
        _ => None,
    }
}

fn binary(start: &[u8]) -> Option<&'static str> {
    if start.get(257..262) == Some(b"ustar") {
        return Some("it is a tar archive");
    }
    Some(match start {
        [_, _, _, _, _, _, 0, 0, b'{', ..] => "it is safetensors",
        [0x89, b'H', b'D', b'F', ..] => "it is HDF5, perhaps a .h5 of Keras",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "it is an array of NumPy",
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => "it is TensorFlow Lite",
        [0x1f, 0x8b, ..] => "it is compressed with gzip, run `gunzip`",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => "it is an image",
        [0x08, 1..=20, 0x12 | 0x1a | 0x22 | 0x3a, ..] => "it is an ONNX network already",
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => "all its bytes are the same",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: &[u8]) -> &'static str {
        match kind(start) {
            Kind::Foreign(found) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn weights() {
        assert_eq!(kind(b"\x80\x02\x8a\x0a"), Kind::Legacy);
        assert_eq!(kind(b"PK\x03\x04"), Kind::Archive);
    }

    #[test]
    fn other_things() {
        assert!(found(b"").contains("empty"));
        assert!(found(b"\n<html>").contains("web page"));
        assert!(found(b"version https://git-lfs.github.com/spec/v1").contains("git lfs pull"));
        assert!(found(b"\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":").contains("safetensors"));
        assert!(found(b"\x08\x03\x12\x05onnx-").contains("ONNX"));
        assert!(found(b"\x89HDF\r\n\x1a\n").contains("HDF5"));
        assert!(found(&[0; 512]).contains("the same"));
        let mut tar = b"storages/".to_vec();
        tar.resize(257, 0);
        tar.extend(b"ustar\x0000");
        assert!(found(&tar).contains("tar archive"));
    }
}
