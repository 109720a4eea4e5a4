//! The help of every command: its headings, the width of its examples, and the end of the program's help.

use std::fs;
use std::path::Path;

use crate::harness::frostline;

/// A command with its long help.
pub(crate) struct Command {
    /// Without the program: `["models", "pull"]`.
    pub(crate) name: Vec<String>,
    pub(crate) help: String,
}

impl Command {
    fn with_help(name: Vec<String>) -> Self {
        let args = name.iter().map(String::as_str).chain(["--help"]);
        let help = frostline(args).exits(0).out;
        Self { name, help }
    }

    /// The names of its own commands, except `help`.
    fn below(&self) -> impl Iterator<Item = Vec<String>> {
        let rows = self.help.lines().skip_while(|line| *line != "Commands:");
        // Names stand two spaces in; what is further in is the rest of an explanation.
        let rows = rows.skip(1).take_while(|line| !line.is_empty());
        let rows = rows.filter(|row| row.starts_with("  ") && !row.starts_with("   "));
        let names = rows.map(|row| row.split_whitespace().next().unwrap());
        names
            .filter(|name| *name != "help")
            .map(|name| [&self.name[..], &[name.to_owned()]].concat())
    }

    /// The lines of a section without the indentation of all of them.
    fn section(&self, title: &str) -> Vec<&str> {
        let title = format!("{title}:");
        let lines = self.help.lines().skip_while(|line| *line != title).skip(1);
        let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
        lines.filter_map(|line| line.get(2..)).collect()
    }

    /// The titles of the sections, with the long names of the options in each.
    fn options(&self) -> Vec<(String, Vec<String>)> {
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        for line in self.help.lines() {
            if let Some(title) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
                sections.push((title.to_owned(), Vec::new()));
            }
            // `  -o, --output` or `      --head`; explanations are further in.
            let option = line.get(6..).and_then(|rest| rest.strip_prefix("--"));
            if let (Some(option), Some((_, options))) = (option, sections.last_mut()) {
                options.push(option.split(' ').next().unwrap().to_owned());
            }
        }
        sections.retain(|(_, options)| !options.is_empty());
        sections
    }
}

/// The program and all of its commands.
pub(crate) fn commands() -> Vec<Command> {
    let mut found = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(name) = open.pop() {
        let command = Command::with_help(name);
        open.extend(command.below());
        found.push(command);
    }
    found
}

/// An example in two lines is one that its author has broken, and can be copied.
#[test]
fn examples_fit_into_80_columns() {
    for command in commands() {
        for line in command.section("Examples") {
            assert!(line.chars().count() <= 78, "{:?}: {line}", command.name);
        }
    }
}

const GLOBAL: &str = "quiet verbose allow-shared-home help version";
const LABELS: &str = "labels labels-key labels-column";
const NETWORK: &str = "device batch-size threads precision conv gpu-memory";
const PREPROCESSING: &str = "preset resize crop interpolation mean std channels layout scale";
const DECODING: &str = "exif alpha jpeg-scale max-pixels max-bytes";

/// The sections of options in the order of the help; `{}` stands for the options that all commands have.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "extract",
        &[
            ("Options", "output format backbone {global}"),
            ("Input", "null any-name list shard retry-failed strict"),
            ("Labels", "{labels} labels-over-folders"),
            ("Feature store", "views dtype overwrite verify"),
            ("Running the network", "{network}"),
            (
                "Preprocessing",
                "layer pool map prefix-tokens {preprocessing}",
            ),
            ("Decoding", "{decoding}"),
        ],
    ),
    (
        "label",
        &[
            (
                "Options",
                "labels classes from-folders features port backbone {global}",
            ),
            ("Input", "null any-name"),
            ("Running the network", "{network}"),
            (
                "Preprocessing",
                "layer pool map prefix-tokens {preprocessing}",
            ),
            ("Decoding", "{decoding}"),
        ],
    ),
    (
        "preview",
        &[
            ("Options", "output overwrite count backbone {global}"),
            ("Input", "null any-name"),
            (
                "Preprocessing",
                "layer pool map prefix-tokens {preprocessing}",
            ),
            ("Decoding", "{decoding}"),
        ],
    ),
    (
        "classify",
        &[
            ("Options", "head format output overwrite {global}"),
            ("Input", "null any-name strict only-new state"),
            ("Predictions", "top-k threshold tta no-reject"),
            ("Running the network", "store {network} backbone"),
            ("Decoding", "max-pixels max-bytes"),
        ],
    ),
    (
        "bundle",
        &[
            ("Options", "head output overwrite {global}"),
            ("Running the network", "backbone"),
        ],
    ),
    (
        "export",
        &[
            (
                "Options",
                "head output overwrite layout input resize outputs precision calibration with-rejection \
                 format {global}",
            ),
            ("Verification", "verify max-drop"),
            ("Running the network", "threads backbone"),
        ],
    ),
    (
        "serve",
        &[
            (
                "Options",
                "head watch gallery gallery-images bind log {global}",
            ),
            ("Access", "token-file insecure"),
            (
                "Limits",
                "max-body memory max-images max-pixels queue max-connections header-timeout timeout grace",
            ),
            ("Running the network", "max-delay {network}"),
        ],
    ),
    (
        "worker",
        &[
            (
                "Options",
                "column keep-image dtype no-isolation backbone {global}",
            ),
            ("Running the network", "{network}"),
            (
                "Preprocessing",
                "layer pool map prefix-tokens {preprocessing}",
            ),
            ("Decoding", "{decoding}"),
        ],
    ),
    (
        "evaluate",
        &[
            ("Options", "head compare format output overwrite {global}"),
            ("Input", "any-name"),
            ("Predictions", "tta no-reject"),
            ("Running the network", "store {network} backbone"),
            ("Statistics", "include-training intervals seed"),
            ("Labels", "{labels} labels-over-folders splits only"),
        ],
    ),
    (
        "report",
        &[
            (
                "Options",
                "head output overwrite images train train-images compare title {global}",
            ),
            ("Input", "any-name"),
            ("Predictions", "tta no-reject"),
            ("Running the network", "store {network} backbone"),
            ("Statistics", "include-training"),
            ("Labels", "{labels} labels-over-folders splits only"),
        ],
    ),
    (
        "similar",
        &[
            (
                "Options",
                "features top format output overwrite images {global}",
            ),
            ("Running the network", "{network} backbone"),
            ("Decoding", "max-pixels max-bytes"),
        ],
    ),
    (
        "drift",
        &[
            (
                "Options",
                "head train fail-above format output overwrite {global}",
            ),
            ("Input", "null any-name"),
            ("Running the network", "{network} backbone"),
            ("Decoding", "max-pixels max-bytes"),
        ],
    ),
    (
        "suggest",
        &[
            ("Options", "head top near format output overwrite {global}"),
            ("Input", "null any-name"),
            ("Labels", "{labels}"),
            ("Running the network", "{network} backbone"),
            ("Decoding", "max-pixels max-bytes"),
        ],
    ),
    ("setup", &[("Options", "cuda backbone from {global}")]),
    (
        "models pull",
        &[
            ("Options", "replace {global}"),
            ("Download", "url from"),
            ("Networks of the hub", "name layer"),
            ("Preprocessing", "pool map prefix-tokens {preprocessing}"),
        ],
    ),
    (
        "models import",
        &[
            ("Options", "name replace {global}"),
            ("PyTorch weights", "arch weights keep-classifier"),
            ("ONNX networks", "layer"),
            ("Preprocessing", "pool map prefix-tokens {preprocessing}"),
        ],
    ),
    ("features compact", &[("Options", "prune format {global}")]),
    (
        "features merge",
        &[("Options", "partial output format {global}")],
    ),
    ("features status", &[("Options", "format {global}")]),
    ("models show", &[("Options", "format {global}")]),
    ("doctor", &[("Options", "format {global}")]),
];

#[test]
fn options_are_below_their_headings() {
    let commands = commands();
    for (name, expected) in SECTIONS {
        let is_it = |command: &&Command| command.name.join(" ") == *name;
        let command = commands.iter().find(is_it).expect(name);
        let found = command.options().into_iter().map(|(title, options)| {
            // The title of `Preprocessing` also says what the defaults are.
            let title = title.split(" [").next().unwrap().to_owned();
            (title, options.join(" "))
        });
        let filled = |options: &str| {
            let options = options
                .replace("{global}", GLOBAL)
                .replace("{network}", NETWORK)
                .replace("{labels}", LABELS);
            let options = options.replace("{preprocessing}", PREPROCESSING);
            options.replace("{decoding}", DECODING)
        };
        let expected = expected
            .iter()
            .map(|(title, options)| ((*title).to_owned(), filled(options)));
        assert_eq!(
            found.collect::<Vec<_>>(),
            expected.collect::<Vec<_>>(),
            "{name}"
        );
    }
}

/// The rows of a table in `docs/reference.md` as `a, b  text`, without what is only for programmers.
fn rows(heading: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let rows = lines.take_while(|line| !line.starts_with('#'));
    let rows = rows.filter(|line| line.starts_with("| ")).skip(1);
    let rows = rows.filter(|line| !line.contains("programs that use the library"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(plain).collect();
        assert_eq!(cells.len(), 2, "{row}");
        cells.join(" ")
    })
    .collect()
}

/// A cell without marks of code and the addresses of links.
fn plain(cell: &str) -> String {
    let mut cell = cell.trim().replace('`', "");
    while let (Some(start), Some(end)) = (cell.find("]("), cell.find(')')) {
        cell.replace_range(start..=end, "");
        cell = cell.replacen('[', "", 1);
    }
    cell
}

/// A section of the program's help in one line, without marks of code.
fn flat(program: &Command, title: &str) -> String {
    let lines = program.section(title).join(" ").replace('`', "");
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_help_and_the_reference_say_the_same_of_variables_and_exit_codes() {
    let program = Command::with_help(Vec::new());
    let variables = rows("## Environment variables");
    assert_eq!(variables.len(), 12);
    assert_eq!(flat(&program, "Environment variables"), variables.join(" "));
    let codes = rows("## Exit codes");
    assert_eq!(codes.len(), 6);
    assert_eq!(flat(&program, "Exit codes"), codes.join(" "));
}
