//! Decides which names are images and which are skipped silently, and describes the files that were ignored.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use unicode_normalization::UnicodeNormalization;

use super::Names;
use crate::error::{Error, ImagesError};
use crate::images::path_text;

/// The extensions of the formats that are decoded, in lower case.
pub(crate) const EXTENSIONS: [&str; 19] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm", "pbm",
    "pnm", "heic", "heif", "hif", "avif", "jxl",
];

/// Unsupported image formats that users expect to work; they are listed so that decoding reports them.
const EXPECTED: [&str; 2] = ["jp2", "j2k"];

/// Folders that systems and programs leave among images.
const JUNK_FOLDERS: [&str; 5] = [
    "__MACOSX",
    "@eaDir",
    "lost+found",
    "$RECYCLE.BIN",
    "System Volume Information",
];

const JUNK_FILES: [&str; 2] = ["thumbs.db", "desktop.ini"];

pub(super) fn is_image(name: &OsStr) -> bool {
    let Some(extension) = Path::new(name).extension() else {
        return false;
    };
    EXTENSIONS
        .iter()
        .chain(&EXPECTED)
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// Returns whether a name is hidden, or was created by the system.
pub(super) fn is_left_out(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
        || JUNK_FOLDERS.iter().any(|&junk| name == junk)
        || JUNK_FILES
            .iter()
            .any(|junk| name.eq_ignore_ascii_case(junk))
}

/// Returns the key under which a file that is not an image is counted.
pub(super) fn extension_key(name: &OsStr) -> String {
    Path::new(name)
        .extension()
        .map(|e| path_text::to_text(e.as_ref()).to_lowercase())
        .unwrap_or_default()
}

/// Returns a folder's class name: the text form of its name in NFC, so that the spellings of two systems are
/// one class.
pub(super) fn class_name(folder: &OsStr) -> String {
    path_text::to_text(folder.as_ref()).nfc().collect()
}

/// Formats a path for a message.
pub(super) fn shown(path: &Path) -> String {
    path_text::for_terminal(&path_text::to_text(path))
}

/// Formats the counts of ignored files by extension: `40 .dng, 2 .txt, 1 without extension`; `None` if there
/// are none.
///
/// The most frequent come first.
#[must_use]
pub fn ignored_text(ignored: &BTreeMap<String, usize>) -> Option<String> {
    let mut counts: Vec<_> = ignored.iter().collect();
    counts.sort_by_key(|&(_, &count)| std::cmp::Reverse(count));
    let parts: Vec<_> = counts
        .iter()
        .map(|(extension, count)| match extension.as_str() {
            "" => format!("{count} without extension"),
            _ => format!("{count} .{}", path_text::for_terminal(extension)),
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns the error for a folder, or a set of inputs, without images.
pub(super) fn no_images(
    folder: Option<&Path>,
    which: Names,
    ignored: BTreeMap<String, usize>,
) -> Error {
    let none = ImagesError::None {
        folder: folder.map(shown),
        extensions: match which {
            Names::Extensions => &EXTENSIONS,
            Names::Any => &[],
        },
        ignored,
    };
    none.into()
}

/// Returns the error for an input that cannot be accessed.
pub(super) fn unreachable_input(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return ImagesError::Missing(shown(path)).into();
    }
    Error::io("read", path)(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_in_any_case() {
        for name in [
            "a.jpg",
            "A.JPEG",
            "two.dots.Png",
            "x.jfif",
            "IMG.HEIC",
            "-rf.tiff",
        ] {
            assert!(is_image(name.as_ref()), "{name}");
        }
        for name in ["jpg", "a.dng", "a.jpg.txt", "a.", "labels.csv"] {
            assert!(!is_image(name.as_ref()), "{name}");
        }
    }

    #[test]
    fn hidden_and_junk_names_are_left_out() {
        for name in [
            ".DS_Store",
            "._a.jpg",
            "__MACOSX",
            "@eaDir",
            "Thumbs.db",
            "Desktop.ini",
        ] {
            assert!(is_left_out(name.as_ref()), "{name}");
        }
        assert!(!is_left_out("a.jpg".as_ref()));
    }

    #[test]
    fn both_spellings_of_an_accent_are_one_class() {
        assert_eq!(class_name("cafe\u{301}".as_ref()), "caf\u{e9}");
    }

    #[test]
    fn counts_are_told_most_frequent_first() {
        let counts = [("dng", 40), ("", 1), ("txt", 2)]
            .map(|(e, n)| (e.to_owned(), n))
            .into();
        assert_eq!(
            ignored_text(&counts).unwrap(),
            "40 .dng, 2 .txt, 1 without extension"
        );
        assert_eq!(ignored_text(&BTreeMap::new()), None);
    }
}
