//! Detects what a file is from its first bytes: weights, a network, or something else in their place.

/// The number of bytes to look at: `ustar` in a tar file is at offset 257.
pub const START: u64 = 512;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A pickle: the older format of `torch.save`, or any other pickle.
    Pickle,
    /// A zip archive: the newer format of `torch.save`, or any other archive.
    Zip,
    /// A JSON header followed by raw tensors.
    Safetensors,
    /// An ONNX network.
    Onnx,
    /// A Git LFS pointer: three lines in place of a file.
    LfsPointer,
    /// Another known kind, described as in [`Kind::words`].
    Other(&'static str),
    /// An unknown kind.
    Unknown,
}

impl Kind {
    /// Returns a description that can follow "not an ONNX network:".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Pickle => "it is a pickle, perhaps a PyTorch .pth file",
            Self::Zip => "it is a zip archive, perhaps a PyTorch .pth file",
            Self::Safetensors => "it is a safetensors file",
            Self::Onnx => "it is already an ONNX network",
            Self::LfsPointer => "it is a Git LFS pointer; run `git lfs pull`",
            Self::Other(words) => words,
            Self::Unknown => "its format is unknown",
        }
    }
}

/// Detects what a file is from its first [`START`] bytes.
#[must_use]
pub fn kind(start: &[u8]) -> Kind {
    match start {
        [0x80] | [0x80, 2..=5, ..] => Kind::Pickle,
        [b'P', b'K', 3, 4, ..] => Kind::Zip,
        _ => text(start)
            .or_else(|| binary(start))
            .unwrap_or(Kind::Unknown),
    }
}

fn text(start: &[u8]) -> Option<Kind> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    Some(match text {
        _ if start.is_empty() => Kind::Other("it is empty"),
        _ if text.starts_with("version https://git-lfs") => Kind::LfsPointer,
        _ if text.starts_with('<') => {
            Kind::Other("it is a web page, perhaps saved instead of the file")
        }
        _ if text.starts_with('{') => Kind::Other("it is JSON"),
        _ => return None,
    })
}

fn binary(start: &[u8]) -> Option<Kind> {
    if start.get(257..262) == Some(b"ustar") {
        return Some(Kind::Other("it is a tar archive"));
    }
    Some(match start {
        [_, _, _, _, _, _, 0, 0, b'{', ..] => Kind::Safetensors,
        [0x08, 1..=20, 0x12 | 0x1a | 0x22 | 0x3a, ..] => Kind::Onnx,
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => {
            Kind::Other("all its bytes are the same")
        }
        _ => Kind::Other(signature(start)?),
    })
}

fn signature(start: &[u8]) -> Option<&'static str> {
    Some(match start {
        [0x89, b'H', b'D', b'F', ..] => "it is an HDF5 file, perhaps a Keras .h5 model",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "it is a NumPy array",
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => "it is a TensorFlow Lite model",
        [0x1f, 0x8b, ..] => "it is compressed with gzip; run `gunzip`",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => "it is an image",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_and_networks() {
        assert_eq!(kind(b"\x80\x02\x8a\x0a"), Kind::Pickle);
        assert_eq!(kind(b"PK\x03\x04"), Kind::Zip);
        assert_eq!(kind(b"\x40\0\0\0\0\0\0\0{\"a\":"), Kind::Safetensors);
        assert_eq!(kind(b"\x08\x03\x12\x05onnx-"), Kind::Onnx);
        assert_eq!(kind(b"\x12\x05other"), Kind::Unknown);
    }

    #[test]
    fn what_comes_in_their_stead() {
        let words = |start: &[u8]| kind(start).words();
        assert_eq!(words(b""), "it is empty");
        assert!(words(b"\n<html>").contains("web page"));
        assert!(words(b"version https://git-lfs.github.com/spec/v1").contains("git lfs pull"));
        assert!(words(b"\x89HDF\r\n\x1a\n").contains("HDF5"));
        assert!(words(&[0; 512]).contains("the same"));
        let mut tar = b"storages/".to_vec();
        tar.resize(257, 0);
        tar.extend(b"ustar\x0000");
        assert!(words(&tar).contains("tar archive"));
    }
}
