//! Hints for errors of `images`.

use std::collections::BTreeMap;

use frostline::error::ImagesError;
use frostline::images::ignored_text;

/// Returns what the user can do about the error.
pub(super) fn hint(error: &ImagesError) -> Option<String> {
    let hint = match error {
        ImagesError::Missing(_) => "check the path: it must be a folder of images or an image file",
        ImagesError::NotAFolder(_) => {
            "pass the folder of the images, or a folder with one folder for each class"
        }
        ImagesError::None {
            extensions,
            ignored,
            ..
        } => return Some(none(extensions, ignored)),
        ImagesError::MixedFolders { .. } => {
            "pass only folders with class folders, or use them one by one"
        }
        ImagesError::RepeatedClass(_) => "use a unique name for each class",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn none(extensions: &[&str], ignored: &BTreeMap<String, usize>) -> String {
    let wanted = if extensions.is_empty() {
        "images are recognised by their content".to_owned()
    } else {
        let named: Vec<_> = extensions.iter().map(|e| format!(".{e}")).collect();
        format!(
            "images are files ending in {} (--any-name accepts any name)",
            named.join(" ")
        )
    };
    let held = match ignored_text(ignored) {
        Some(counts) => format!("these files are not supported: {counts}"),
        None => "there are no other files".to_owned(),
    };
    format!("{wanted}, in one folder for each class or in one flat folder; {held}")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use frostline::images::{Labels, Names, scan_inputs};

    use super::super::hint;

    #[test]
    fn a_place_without_images_says_what_was_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let way_out = |path: &Path, names| {
            let error = scan_inputs(&[path.to_owned()], Labels::None, names).unwrap_err();
            hint(&error).unwrap()
        };
        let missing = way_out(Path::new("/does_not_exist"), Names::Extensions);
        assert!(missing.starts_with("check the path"), "{missing}");
        let empty = way_out(folder.path(), Names::Extensions);
        assert!(
            empty.ends_with("flat folder; there are no other files"),
            "{empty}"
        );
        for name in ["a.dng", "b.dng", "c.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let none = way_out(folder.path(), Names::Extensions);
        assert!(
            none.contains(".jpg .jpeg")
                && none.contains("--any-name")
                && none.ends_with("not supported: 2 .dng, 1 .txt"),
            "{none}"
        );
        let any = way_out(folder.path(), Names::Any);
        assert!(
            any.starts_with("images are recognised by their content"),
            "{any}"
        );
    }

    #[test]
    fn folders_with_and_without_classes_are_used_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a/cat/1.jpg", "b/1.jpg"].map(|file| folder.path().join(file)) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let inputs = ["a", "b"].map(|name| folder.path().join(name));
        let error = scan_inputs(&inputs, Labels::FromFolders, Names::Extensions).unwrap_err();
        assert!(hint(&error).unwrap().contains("class folders"), "{error}");
    }
}
