//! One man page. `clap_mangen` renders the sections; what it would make of the headings of options, of the
//! usage and of the text below the options does not read well, so that is prepared here.

use std::io::{self, Write};

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

/// Returns the man page of a command whose names are built; `parent` is the title of the page above it.
pub(super) fn page(command: &Command, version: &str, parent: Option<&str>) -> io::Result<String> {
    let man = Man::new(with_usage(command))
        .title(title(command).to_uppercase())
        // An empty argument has to be quoted, or the next one would take its place.
        .date(r#""""#)
        .source(format!("frostline {version}"))
        .manual("User Commands");
    let mut page = Roff::new().render();
    page += &section(&man, Man::render_title)?;
    // Options must not be hyphenated.
    page += ".nh\n";
    page += &section(&man, Man::render_name_section)?;
    page += &section(&man, Man::render_synopsis_section)?;
    page += &section(&man, Man::render_description_section)?;
    if command.has_subcommands() {
        page += &section(&man, Man::render_subcommands_section)?.replace("SUBCOMMANDS", "COMMANDS");
    }
    page += &options(command)?;
    page += &below(command);
    if let Some(parent) = parent {
        let parent = [roman(format!("{parent}(1)"))];
        let see = Roff::new()
            .control("SH", ["SEE ALSO"])
            .text(parent)
            .render();
        page += without_preamble(&see);
    }
    // Without these, quotes and tildes are typeset as other characters, which cannot be copied to a shell.
    Ok(page.replace('`', r"\(ga").replace('~', r"\(ti"))
}

/// Returns the name of a command's page: `frostline-models-pull`.
pub(super) fn title(command: &Command) -> &str {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name())
}

/// Returns the command with the usage of its help instead of a list of all options.
fn with_usage(command: &Command) -> Command {
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    command.override_usage(usage)
}

fn section(man: &Man, render: fn(&Man, &mut dyn Write) -> io::Result<()>) -> io::Result<String> {
    let mut text = Vec::new();
    render(man, &mut text)?;
    let text = String::from_utf8(text).expect("help is UTF-8");
    Ok(without_preamble(&text).to_owned())
}

/// Each rendered text starts with the same definitions, and a page needs them only once.
fn without_preamble(text: &str) -> &str {
    let preamble = Roff::new().render();
    text.strip_prefix(&preamble).unwrap_or(text)
}

/// Returns the arguments, and the options with a subsection for each heading.
fn options(command: &Command) -> io::Result<String> {
    let mut text = String::new();
    if command.get_positionals().next().is_some() {
        text += &some_options(command, ".SH ARGUMENTS", Arg::is_positional)?;
    }
    let options = || command.get_arguments().filter(|arg| !arg.is_positional());
    let mut headings = Vec::new();
    for heading in options().map(Arg::get_help_heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        let title = heading.map_or(".SH OPTIONS".to_owned(), |name| format!(".SS \"{name}\""));
        let has = |arg: &Arg| !arg.is_positional() && arg.get_help_heading() == heading;
        text += &some_options(command, &title, has)?;
    }
    Ok(text)
}

/// Returns a section of the arguments that `are_shown`, below this title.
fn some_options(
    command: &Command,
    title: &str,
    are_shown: impl Fn(&Arg) -> bool,
) -> io::Result<String> {
    let shown = |arg: Arg| {
        let hidden = !are_shown(&arg);
        arg.hide(hidden).help_heading(None)
    };
    let man = Man::new(command.clone().mut_args(shown));
    let text = section(&man, Man::render_options_section)?;
    Ok(text.replacen(".SH OPTIONS", title, 1))
}

/// Returns the text below the options: a line that is not indented is a title, all others stay as they are.
fn below(command: &Command) -> String {
    let text = command.get_after_long_help().map(ToString::to_string);
    let mut page = Roff::new();
    for part in text.unwrap_or_default().split("\n\n") {
        let mut lines = part.lines();
        let title = lines.next().unwrap_or_default().trim_end_matches(':');
        page.control("SH", [&*title.to_uppercase()])
            .control("EX", []);
        for line in lines {
            page.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        page.control("EE", []);
    }
    without_preamble(&page.render()).to_owned()
}
