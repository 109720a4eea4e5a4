use std::fs;

use super::*;
use crate::label::deed::Deed;

fn deed(name: &str) -> Entry {
    let images = vec!["a b.jpg".to_owned()];
    let class = name.to_owned();
    Entry::Deed(Deed::Label { images, class })
}

/// Writes a journal with three deeds, and returns its path.
fn written(folder: &Path) -> PathBuf {
    let path = folder.join("labels.csv.journal");
    let (mut journal, found) = Journal::open(&path, Path::new("labels.csv")).unwrap();
    assert!(found.entries.is_empty() && found.torn == 0);
    for name in ["cat", "\u{fffd}\"\n", "dog"] {
        journal.append(&deed(name)).unwrap();
    }
    path
}

fn read(path: &Path) -> Result<Found> {
    Ok(Journal::open(path, Path::new("labels.csv"))?.1)
}

#[test]
fn a_line_that_was_being_written_is_dropped_wherever_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let whole = fs::read(&path).unwrap();
    let all = read(&path).unwrap().entries;
    assert_eq!(all, ["cat", "\u{fffd}\"\n", "dog"].map(deed));
    let start = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    for end in start..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let found = read(&path).unwrap();
        assert_eq!(found.entries, all[..2], "{end}");
        assert_eq!(found.torn, end - start);
        assert_eq!(fs::read(&path).unwrap(), whole[..start]);
    }
    // A whole line that is wrong was not being written.
    let wrong = String::from_utf8(whole.clone())
        .unwrap()
        .replace("dog", "cow");
    fs::write(&path, &wrong).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("line 4 does not match its checksum"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
    // Blocks may arrive on disk without what was written to them.
    let blank = [&whole[..start], &[0; 99]].concat();
    fs::write(&path, blank).unwrap();
    assert_eq!(read(&path).unwrap().entries, all[..2]);
}

#[test]
fn a_changed_missing_or_moved_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = text.replacen("cat", "cow", 1);
    let missing = [lines[0], lines[2], lines[3], ""].join("\n");
    let moved = [lines[0], lines[2], lines[1], lines[3], ""].join("\n");
    for damaged in [changed, missing, moved] {
        fs::write(&path, &damaged).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("is damaged: line 2 does not match its checksum"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
}

#[test]
fn other_files_and_newer_journals_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv.journal");
    let json = r#"{"journal":{"version":2}}"#;
    let newer = format!("{} {json}\n", checksum("", json.as_bytes()));
    let cases = [
        ("path,label\n", "is not a journal of labels"),
        ("precious", "is not a journal of labels"),
        (
            &newer,
            "is in format version 2, but this frostline reads only versions up to 1",
        ),
    ];
    for (content, said) in cases {
        fs::write(&path, content).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_second_process_is_told_who_was_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv.journal");
    let (mut journal, _) = Journal::open(&path, Path::new("labels.csv")).unwrap();
    let address = Some("http://127.0.0.1:4242".to_owned());
    let process = 7;
    journal.note(&Entry::Opened { process, address }).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.starts_with("`labels.csv` is locked"), "{error}");
    assert!(error.contains("(process 7, on port 4242)"), "{error}");
    drop(journal);
    assert_eq!(read(&path).unwrap().entries.len(), 1);
}

#[cfg(unix)]
#[test]
fn nothing_is_acknowledged_for_a_journal_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv.journal");
    let (mut journal, _) = Journal::open(&path, Path::new("labels.csv")).unwrap();
    journal.append(&deed("cat")).unwrap();
    let moved = folder.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    assert!(journal.append(&deed("dog")).is_err());
    fs::write(&path, "").unwrap();
    assert!(journal.append(&deed("dog")).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"");
    fs::rename(&moved, &path).unwrap();
    journal.append(&deed("dog")).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("locked"));
    drop(journal);
    assert_eq!(read(&path).unwrap().entries, ["cat", "dog"].map(deed));
}
