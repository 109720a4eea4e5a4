//! Tips for names of commands and options that other tools use. They stay errors, so that scripts use the
//! real names.

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
        &["download", "pull", "import", "list", "backbones", "model"],
        &["models"],
    ),
    (None, &["install"], &["setup", "models"]),
    (None, &["init", "bootstrap", "configure"], &["setup"]),
    (None, &["check", "status", "diagnose"], &["doctor"]),
    (
        None,
        &["duplicates", "dedup", "audit", "clean"],
        &["inspect"],
    ),
    (None, &["select", "sample", "query"], &["suggest"]),
    (None, &["monitor", "watch", "shift"], &["drift"]),
    (Some("models"), &["download", "get", "fetch"], &["pull"]),
    (Some("models"), &["add", "install"], &["pull", "import"]),
    (Some("models"), &["ls"], &["list"]),
    (Some("models"), &["info", "inspect"], &["show"]),
    (Some("features"), &["info", "list"], &["show"]),
];

/// The command, an option that people type, and the option that they mean.
const OPTIONS: &[(&str, &str, &str)] = &[("fit-head", "--learning-rate", "--lr")];

/// Returns the error of an unknown command or option with the one that is meant, instead of one with a
/// similar spelling.
pub(super) fn with_tip(error: Error) -> Error {
    let args = std::env::args_os().skip(1);
    let args = args.map(|arg| arg.to_string_lossy().into_owned());
    let first = args.into_iter().find(|arg| !arg.starts_with('-'));
    with_option(with_command(error, first.as_deref()), first.as_deref())
}

/// Suggests the option that is meant; `command` is the first argument that is not an option.
fn with_option(mut error: Error, command: Option<&str>) -> Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let is_meant = |(of, name, _): &&(&str, &str, &str)| command == Some(*of) && typed == name;
    if let Some((_, _, meant)) = OPTIONS.iter().find(is_meant) {
        let meant = ContextValue::String((*meant).to_owned());
        error.insert(ContextKind::SuggestedArg, meant);
        // The usage contains the option with a similar spelling.
        error.remove(ContextKind::Usage);
    }
    error
}

/// Suggests the command that is meant; `first` is the first argument that is not an option.
fn with_command(mut error: Error, first: Option<&str>) -> Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let parent = first.filter(|first| first != typed);
    if let Some(meant) = meant(parent, typed) {
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

    #[test]
    fn tips_name_options_that_are_there_for_names_that_are_not() {
        let cli = crate::cli::Cli::command();
        for (command, typed, meant) in OPTIONS {
            let command = cli.find_subcommand(command).unwrap();
            let known = |name: &str| {
                let mut options = command.get_arguments().filter_map(clap::Arg::get_long);
                options.any(|option| name.strip_prefix("--") == Some(option))
            };
            assert!(known(meant) && !known(typed), "{typed} {meant}");
        }
    }
}
