//! Man pages: one for each command, complete, without warnings, and never over a foreign file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{RED, Ran, frostline, write_picture};
use crate::help::commands;

/// Writes the pages as a package's build would: without a home.
fn write(folder: &Path, more: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frostline"));
    command.env_clear().arg("man").arg(folder).args(more);
    Ran::of(command.output().unwrap())
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn each_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("share/man/man1");
    let read = format!("`man -l {}/frostline.1`", folder.display());
    let wrote = write(&folder, &[]).exits(0);
    wrote.says(&["29 man pages", &read]);
    let mut expected = BTreeSet::new();
    for command in commands() {
        let title = [&["frostline".to_owned()][..], &command.name]
            .concat()
            .join("-");
        let page = fs::read_to_string(folder.join(format!("{title}.1"))).unwrap();
        let upper = title.to_uppercase();
        assert!(
            page.contains(&format!("\n.TH {upper} 1 \"\" \"frostline ")),
            "{title}"
        );
        // Options are found as they are typed, although roff writes hyphens in its own way.
        let typed = page.replace(r"\-", "-");
        let usage = command
            .help
            .lines()
            .find_map(|line| line.strip_prefix("Usage: "));
        let usage = usage.unwrap().split_once(" [").unwrap();
        assert!(
            typed.contains(&format!("\\fB{}\\fR [{}\n", usage.0, usage.1)),
            "{title}"
        );
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            assert!(
                typed.contains(&format!("\n.SH {section}\n")),
                "{title}: {section}"
            );
        }
        let end = if command.name.is_empty() {
            "\"EXIT CODES\""
        } else {
            "EXAMPLES"
        };
        assert!(typed.contains(&format!("\n.SH {end}\n.EX\n")), "{title}");
        expected.insert(format!("{title}.1"));
    }
    assert_eq!(names_in(&folder), expected);
}

#[test]
fn pages_have_the_headings_and_values_of_the_help() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["--quiet"]).exits(0);
    let page = fs::read_to_string(folder.path().join("frostline-classify.1")).unwrap();
    let sections: Vec<_> = page.lines().filter(|line| line.starts_with(".S")).collect();
    let expected = [
        ".SH NAME",
        ".SH SYNOPSIS",
        ".SH DESCRIPTION",
        ".SH ARGUMENTS",
        ".SH OPTIONS",
        ".SS \"Input\"",
        ".SS \"Predictions\"",
        ".SS \"Running the network\"",
        ".SS \"Decoding\"",
        ".SH EXAMPLES",
        ".SH \"SEE ALSO\"",
    ];
    assert_eq!(sections, expected);
    assert!(page.contains("[default: auto]"));
    assert!(page.contains("jsonl: JSON Lines, an object for each row"));
    assert!(
        !page.contains('`') && !page.contains('~'),
        "groff would change them"
    );
}

#[test]
fn groff_has_no_warnings() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[]).exits(0);
    for name in names_in(folder.path()) {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"]);
        let Ok(output) = groff.arg(folder.path().join(&name)).output() else {
            eprintln!("not tested: there is no groff");
            return;
        };
        let ran = Ran::of(output).exits(0);
        assert_eq!(ran.err, "", "{name}");
    }
}

#[test]
fn foreign_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("frostline-doctor.1");
    write_picture(&foreign.with_extension("png"), RED, 5);
    fs::rename(foreign.with_extension("png"), &foreign).unwrap();
    let before = fs::read(&foreign).unwrap();
    write(folder.path(), &[])
        .exits(1)
        .says(&["frostline-doctor.1", "--overwrite"]);
    assert_eq!(fs::read(&foreign).unwrap(), before);
    assert_eq!(
        names_in(folder.path()).len(),
        1,
        "no other page was written"
    );
    write(folder.path(), &["--overwrite"]).exits(0);
    assert!(
        fs::read_to_string(&foreign)
            .unwrap()
            .contains(".TH FROSTLINE-DOCTOR")
    );
    fs::write(&foreign, "my notes\n").unwrap();
    let said = "already exists and is text; it would be replaced by a man page of frostline";
    write(folder.path(), &[]).exits(1).says(&[said]);
    write(folder.path(), &["--overwrite"]).exits(0);
    // Its own pages are replaced.
    write(folder.path(), &[]).exits(0);
    assert_eq!(names_in(folder.path()).len(), 29);
    frostline(["man", "-"]).exits(1).says(&["several files"]);
    assert!(!Path::new("-").exists());
}

#[test]
#[cfg(unix)]
fn links_and_pipes_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (page, target) = (
        folder.path().join("frostline.1"),
        folder.path().join("target"),
    );
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink("target", &page).unwrap();
    let refused = |found: &str| {
        let said = format!("frostline.1` is {found}, not a file");
        for more in [&[][..], &["--overwrite"]] {
            write(folder.path(), more)
                .exits(1)
                .says(&[&said, "remove it"]);
        }
        assert_eq!(
            names_in(folder.path()).len(),
            2,
            "no other page was written"
        );
    };
    refused("a symbolic link");
    assert_eq!(fs::read(&target).unwrap(), b"");
    fs::remove_file(&page).unwrap();
    let made = Command::new("mkfifo").arg(&page).status().unwrap();
    assert!(made.success());
    refused("a device, a pipe or a socket");
    fs::remove_file(&page).unwrap();
    fs::create_dir(&page).unwrap();
    refused("a folder");
}
