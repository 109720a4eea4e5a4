//! Expands braces and wildcards in inputs: `shards/{000..099}.tar`, `parts/*.parquet`. Shells do the same,
//! unless the pattern is quoted, is a URL, or has too many matches for a command line.

use std::fs;
use std::path::{Path, PathBuf};

use super::names::{is_left_out, shown};
use crate::error::{ImagesError, Result};
use crate::images::path_text::to_text;
use crate::progress::{Progress, go_on};

/// The limit on the inputs that a pattern stands for.
const MOST: usize = 1_000_000;

/// Expands the patterns among the inputs. A path that exists is not a pattern.
///
/// # Errors
/// If a pattern matches nothing, or stands for too many inputs; if `progress` asks to stop.
pub(super) fn expanded(inputs: &[PathBuf], progress: &dyn Progress) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for input in inputs {
        match input.to_str() {
            Some(text)
                if text.contains(['{', '*', '?']) && fs::symlink_metadata(input).is_err() =>
            {
                all.extend(matches(text, progress)?);
            }
            _ => all.push(input.clone()),
        }
    }
    Ok(all)
}

fn matches(pattern: &str, progress: &dyn Progress) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in braces(pattern)? {
        if path.contains("://") || !path.contains(['*', '?']) {
            all.push(path.into());
            continue;
        }
        let before = all.len();
        files(Path::new(""), &path, &mut all, progress)?;
        if all.len() == before {
            return Err(ImagesError::NoMatch(shown(path.as_ref())).into());
        }
    }
    Ok(all)
}

/// Expands the first pair of braces, and those after it.
fn braces(pattern: &str) -> Result<Vec<String>> {
    let whole = || Ok(vec![pattern.to_owned()]);
    let Some((before, inner, after)) = pattern.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        Some((before, inner, after))
    }) else {
        return whole();
    };
    let choices = match range(inner) {
        Some((range, width)) if range.size_hint().0 < MOST => {
            range.map(|number| format!("{number:0width$}")).collect()
        }
        Some(_) => vec![String::new(); MOST],
        None if inner.contains(',') => inner.split(',').map(str::to_owned).collect(),
        None => return whole(),
    };
    let ends = braces(after)?;
    if choices.len().saturating_mul(ends.len()) >= MOST {
        let pattern = shown(pattern.as_ref());
        return Err(ImagesError::LargePattern {
            pattern,
            limit: MOST,
        }
        .into());
    }
    let all = choices.iter().flat_map(|choice| {
        let ends = ends.iter();
        ends.map(move |end| format!("{before}{choice}{end}"))
    });
    Ok(all.collect())
}

/// Parses `000..099`: the numbers, and their width if they begin with zeros.
fn range(text: &str) -> Option<(std::ops::RangeInclusive<u64>, usize)> {
    let (first, last) = text.split_once("..")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return None;
    }
    let padded = [first, last]
        .iter()
        .any(|text| text.len() > 1 && text.starts_with('0'));
    let width = if padded {
        first.len().max(last.len())
    } else {
        0
    };
    Some((first.parse().ok()?..=last.parse().ok()?, width))
}

/// Adds the paths below `folder` that match, sorted by name.
fn files(
    folder: &Path,
    pattern: &str,
    all: &mut Vec<PathBuf>,
    progress: &dyn Progress,
) -> Result<()> {
    go_on(progress)?;
    let (part, rest) = pattern.split_once('/').unwrap_or((pattern, ""));
    if !part.contains(['*', '?']) {
        // An absolute path begins with an empty part.
        let path = folder.join(if part.is_empty() { "/" } else { part });
        match rest {
            "" if path.exists() => all.push(path),
            "" => {}
            rest => files(&path, rest, all, progress)?,
        }
        return Ok(());
    }
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = fs::read_dir(here).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    names.retain(|name| !is_left_out(name) && fits(&to_text(name.as_ref()), part));
    names.sort_unstable();
    for name in names {
        let path = folder.join(name);
        match rest {
            "" => all.push(path),
            rest if path.is_dir() => files(&path, rest, all, progress)?,
            _ => {}
        }
    }
    Ok(())
}

/// Returns whether a name matches: `*` stands for any characters but `/`, `?` for one of them.
pub(super) fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) =
        (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut to) = (0, 0);
    // Where to go on if what follows the last `*` does not match.
    let mut again = None;
    while at < name.len() {
        match pattern.get(to) {
            Some('*') => {
                again = Some((at, to));
                to += 1;
            }
            Some(&c) if c == name[at] || c == '?' && name[at] != '/' => {
                at += 1;
                to += 1;
            }
            _ => match again {
                Some((start, star)) if name[start] != '/' => {
                    again = Some((start + 1, star));
                    (at, to) = (start + 1, star + 1);
                }
                _ => return false,
            },
        }
    }
    pattern[to..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn braces_are_expanded_as_shells_do() {
        let known: [(&str, &[&str]); 6] = [
            (
                "a{08..11}.tar",
                &["a08.tar", "a09.tar", "a10.tar", "a11.tar"],
            ),
            ("{1..3}", &["1", "2", "3"]),
            ("{a,b}{0..1}", &["a0", "a1", "b0", "b1"]),
            ("x{,y}", &["x", "xy"]),
            ("a{b}c", &["a{b}c"]),
            ("a{b", &["a{b"]),
        ];
        for (pattern, wanted) in known {
            assert_eq!(braces(pattern).unwrap(), wanted, "{pattern}");
        }
        assert!(braces("{0..99999999}").is_err());
        assert!(braces("{0..9999}{0..9999}").is_err());
    }

    #[test]
    fn wildcards_do_not_match_slashes() {
        for (name, pattern, wanted) in [
            ("a.tar", "*.tar", true),
            ("a.tar.gz", "*.tar", false),
            ("a/b.tar", "*.tar", false),
            ("a/b.tar", "*/*.tar", true),
            ("ab", "a?", true),
            ("a", "a?", false),
            ("a/", "a?", false),
            ("", "*", true),
            ("aXbXc", "a*b*c", true),
            ("aab", "*ab", true),
        ] {
            assert_eq!(fits(name, pattern), wanted, "{name} {pattern}");
        }
    }

    #[test]
    fn files_are_matched_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.tar", "a.tar", "a.txt", ".c.tar"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = expanded(&[folder.path().join("*.tar")], &Silent).unwrap();
        assert_eq!(
            found,
            ["a.tar", "b.tar"].map(|name| folder.path().join(name))
        );
        fs::create_dir(folder.path().join("d.tar")).unwrap();
        let found = expanded(&[folder.path().join("?.tar")], &Silent).unwrap();
        let all = ["a.tar", "b.tar", "d.tar"].map(|name| folder.path().join(name));
        assert_eq!(found, all, "folders are matched, hidden names are not");
        assert!(expanded(&[folder.path().join("*.zip")], &Silent).is_err());
        fs::write(folder.path().join("{1,2}.jpg"), "").unwrap();
        let literal = folder.path().join("{1,2}.jpg");
        assert_eq!(
            expanded(std::slice::from_ref(&literal), &Silent).unwrap(),
            [literal]
        );
    }
}
