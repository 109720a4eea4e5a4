//! Hints for errors of `images`.

use std::collections::BTreeMap;

use frostline::error::{ImagesError, StoreProblem};
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
        ImagesError::NoMatch(pattern) if pattern.contains("://") => {
            "check the pattern: `*` and `?` match objects, and no slash: `*/*.jpg` looks below each prefix"
        }
        ImagesError::NoMatch(_) => {
            "check the pattern: `*` and `?` match files and folders, but no slash and no hidden names: \
             `*/*.jpg` looks into each folder"
        }
        ImagesError::LargePattern { .. } => "use fewer or shorter ranges in braces",
        ImagesError::Container { .. } => {
            "check that the file is complete; a file's extension says how it is read"
        }
        ImagesError::NoColumn { .. } => {
            "name the column of the images `image`: binary, or a struct with the field `bytes`; `frostline \
             features merge` reads tables of features"
        }
        ImagesError::Store { problem, url, .. } => store(*problem, url),
        ImagesError::MixedFolders { .. } => {
            "pass only folders with class folders, or use them one by one"
        }
        ImagesError::RepeatedClass(_) => "use a unique name for each class",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn store(problem: StoreProblem, url: &str) -> &'static str {
    match problem {
        StoreProblem::Denied if url.starts_with("az") || url.starts_with("abfs") => {
            "set or renew the credentials in the environment, such as AZURE_STORAGE_ACCOUNT_NAME and \
             AZURE_STORAGE_ACCOUNT_KEY (docs/inputs.md)"
        }
        StoreProblem::Denied if url.starts_with("gs:") => {
            "set or renew the credentials in the environment, such as GOOGLE_SERVICE_ACCOUNT \
             (docs/inputs.md)"
        }
        StoreProblem::Denied => {
            "set or renew the credentials in the environment, such as AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY; for a public bucket, set AWS_SKIP_SIGNATURE=true (docs/inputs.md)"
        }
        StoreProblem::NoBucket => "check the name of the bucket, AWS_REGION and AWS_ENDPOINT",
        StoreProblem::Missing => "check the URL: a prefix ends with a slash",
        StoreProblem::Settings => "check the URL and the variables of the store (docs/inputs.md)",
        StoreProblem::NoList => {
            "pass the URLs of the images, or a list of them on standard input: `-`"
        }
        StoreProblem::NotBuiltIn => "build frostline with `--features object-store`",
        _ => "check the network and the address, such as AWS_ENDPOINT, and run the command again",
    }
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
    use frostline::progress::Silent;

    use super::super::hint;

    #[test]
    fn a_place_without_images_says_what_was_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let way_out = |path: &Path, names| {
            let error = scan_inputs(&[path.to_owned()], Labels::None, names, &Silent).unwrap_err();
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
    fn a_pattern_without_a_match_says_what_patterns_match() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = folder.path().join("*.jpg");
        let error = scan_inputs(
            &[pattern],
            Labels::None,
            Names::Extensions,
            &frostline::progress::Silent,
        )
        .unwrap_err();
        let hint = hint(&error).unwrap();
        assert!(
            hint.contains("match files and folders, but no slash"),
            "{hint}"
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
        let (labels, names) = (Labels::FromFolders, Names::Extensions);
        let error = scan_inputs(&inputs, labels, names, &Silent).unwrap_err();
        assert!(hint(&error).unwrap().contains("class folders"), "{error}");
    }
}
