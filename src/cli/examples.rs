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
    use clap::{Command, CommandFactory};

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

    #[test]
    fn each_command_has_examples_that_it_accepts() {
        let (mut n_commands, mut n_parsed) = (0, 0);
        let program = Cli::command();
        // With the name of the program's command that each is or belongs to.
        let named = |command: Command| (command.get_name().to_owned(), command);
        let mut open: Vec<_> = program.get_subcommands().cloned().map(named).collect();
        while let Some((name, command)) = open.pop() {
            let below = command.get_subcommands().cloned();
            open.extend(below.map(|command| (name.clone(), command)));
            let text = command.get_after_long_help().map(ToString::to_string);
            let examples = commands(&text.unwrap_or_default());
            assert!(examples.len() >= 2, "{name}: {examples:?}");
            for example in examples {
                assert_eq!(example.split_whitespace().nth(1), Some(&*name), "{example}");
                let parsed = program
                    .clone()
                    .try_get_matches_from(example.split_whitespace());
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                n_parsed += 1;
            }
            n_commands += 1;
        }
        assert!(n_commands >= 19, "only {n_commands} commands were found");
        assert!(n_parsed > 40, "only {n_parsed} examples were found");
    }
}
