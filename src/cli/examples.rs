//! The examples at the end of a command's help.

/// Returns the text of examples, each with a few words on what it does.
macro_rules! examples {
    ($($what:literal: $command:literal)+) => {
        concat!("\x1b[1;4mExamples:\x1b[0m", $("\n  ", $what, ":\n    ", $command),+)
    };
}

pub(super) use examples;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::Cli;

    /// The commands in a text of examples; a command of another program may come before or after.
    fn commands(text: &str) -> Vec<String> {
        let text = text.replace("\\\n", " ");
        let lines = text.lines().filter(|line| line.starts_with("    "));
        let command = |line: &str| {
            let start = line.rfind("frostline ").unwrap();
            let end = [" | ", " > ", ")"].map(|end| line[start..].find(end));
            let end = end.into_iter().flatten().min();
            line[start..end.map_or(line.len(), |end| start + end)].to_owned()
        };
        lines.map(command).collect()
    }

    /// `--help`, as in `tests/it/help.rs`, accepts a command whose arguments are not complete.
    #[test]
    fn examples_have_all_arguments_that_their_command_requires() {
        let mut n_parsed = 0;
        let mut open = vec![Cli::command()];
        while let Some(command) = open.pop() {
            open.extend(command.get_subcommands().cloned());
            let text = command.get_after_long_help().map(ToString::to_string);
            let is_program = command.get_name() == "frostline";
            for example in commands(&text.filter(|_| !is_program).unwrap_or_default()) {
                let parsed = Cli::command().try_get_matches_from(example.split_whitespace());
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                n_parsed += 1;
            }
        }
        assert!(n_parsed > 40, "only {n_parsed} examples were found");
    }
}
