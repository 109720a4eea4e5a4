//! Tips for command names that other tools use. They stay errors, so that scripts use the real names.

use clap::error::{ContextKind, ContextValue, Error};

/// The parent command, the names that people type, and the commands that they mean.
const NAMES: &[(Option<&str>, &[&str], &[&str])] = &[
    (
        None,
        &["train", "fit", "learn", "finetune", "fine-tune"],
        &["extract", "fit-head"],
    ),
    (
        None,
        &["predict", "infer", "inference", "run", "apply"],
        &["classify"],
    ),
    (
        None,
        &["embed", "encode", "featurize", "embeddings"],
        &["extract"],
    ),
    (
        None,
        &["eval", "test", "validate", "score", "metrics"],
        &["evaluate"],
    ),
    (
        None,
        &[
            "download",
            "pull",
            "import",
            "install",
            "list",
            "backbones",
            "model",
        ],
        &["models"],
    ),
    (None, &["check", "status", "diagnose"], &["doctor"]),
    (
        None,
        &["duplicates", "dedup", "audit", "clean"],
        &["inspect"],
    ),
    (None, &["select", "sample", "query"], &["suggest"]),
    (Some("models"), &["download", "get", "fetch"], &["pull"]),
    (Some("models"), &["add", "install"], &["pull", "import"]),
    (Some("models"), &["ls"], &["list"]),
    (Some("models"), &["info", "inspect"], &["show"]),
    (Some("features"), &["info", "list"], &["show"]),
];

/// Returns the error of an unknown command with the command that is meant, instead of one with a similar
/// spelling.
pub(super) fn with_tip(mut error: Error) -> Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let args = std::env::args_os().skip(1);
    let args = args.map(|arg| arg.to_string_lossy().into_owned());
    let first = args.into_iter().find(|arg| !arg.starts_with('-'));
    let parent = first.filter(|first| first != typed);
    if let Some(meant) = meant(parent.as_deref(), typed) {
        let names = meant.iter().map(ToString::to_string).collect();
        error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(names),
        );
    }
    error
}

fn meant(parent: Option<&str>, typed: &str) -> Option<&'static [&'static str]> {
    let mut all = NAMES.iter();
    let found = all.find(|(below, names, _)| *below == parent && names.contains(&typed));
    found.map(|(_, _, meant)| *meant)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn tips_name_commands_that_are_there_for_names_that_are_not() {
        let cli = crate::cli::Cli::command();
        for (parent, typed, meant) in NAMES {
            let below = match parent {
                None => &cli,
                Some(parent) => cli.find_subcommand(parent).unwrap(),
            };
            let known = |name: &&str| below.find_subcommand(name).is_some();
            assert!(meant.iter().all(&known), "{meant:?}");
            assert!(!typed.iter().any(known), "{typed:?}");
        }
    }
}
