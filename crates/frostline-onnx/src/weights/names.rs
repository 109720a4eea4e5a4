//! Finds the dictionaries of tensors in a saved object.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::fault::Fault;
use super::layout::{Layout, check_name};
use super::pickle::{Id, Object, Pickle};

/// How deep a checkpoint nests its dictionaries of tensors, such as `{"ema": {"state_dict": …}}`.
const MAX_DEPTH: usize = 3;

/// The most dictionaries of tensors in a file; checkpoints have a few.
const MAX_GROUPS: usize = 64;

/// The most tensors in a dictionary; the largest networks have a few thousand.
const MAX_TENSORS: usize = 1 << 16;

/// A dictionary of floating-point tensors.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// The keys that lead to it, joined by dots; empty for the outermost dictionary.
    pub(crate) place: String,
    /// Its tensors by name, in the order of the file.
    pub(crate) tensors: Vec<(Rc<str>, Rc<Layout>)>,
}

/// Returns the dictionaries of tensors, the outer ones first, in the order of the file.
pub(super) fn groups(pickle: &Pickle) -> Result<Vec<Group>, Fault> {
    let mut groups = Vec::new();
    let mut seen = HashSet::from([pickle.root]);
    let mut level = vec![(String::new(), pickle.root)];
    for _ in 0..=MAX_DEPTH {
        let mut below = Vec::new();
        for (place, dict) in level {
            let entries = entries(pickle, dict)?;
            let mut tensors = Vec::new();
            for (name, value) in entries {
                match pickle.objects.get(value) {
                    Object::Tensor(layout) => tensors.push((name, Rc::clone(layout))),
                    Object::Dict(_) if below.len() < MAX_GROUPS && seen.insert(value) => {
                        below.push((join(&place, &name), value));
                    }
                    _ => {}
                }
            }
            tensors.retain(|(_, layout)| layout.storage.dtype.is_float());
            if !tensors.is_empty() && groups.len() < MAX_GROUPS {
                groups.push(Group { place, tensors });
            }
        }
        level = below;
    }
    if groups.is_empty() {
        return Err(Fault::refused(format!("it contains {}", contents(pickle))));
    }
    Ok(groups)
}

/// Joins two parts of a place.
pub(crate) fn join(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", part) | (part, "") => part.to_owned(),
        _ => format!("{outer}.{inner}"),
    }
}

/// Returns a dictionary's entries whose keys are names. As in Python, a repeated name keeps its position and
/// gets the later value.
fn entries(pickle: &Pickle, dict: Id) -> Result<Vec<(Rc<str>, Id)>, Fault> {
    let Object::Dict(pairs) = pickle.objects.get(dict) else {
        return Ok(Vec::new());
    };
    let mut entries: Vec<(Rc<str>, Id)> = Vec::new();
    let mut places = HashMap::new();
    for &(name, value) in pairs {
        let is_kept = matches!(
            pickle.objects.get(value),
            Object::Tensor(_) | Object::Dict(_)
        );
        let Some(name) = pickle.objects.text(name).filter(|_| is_kept) else {
            continue;
        };
        check_name(name)?;
        let place = *places.entry(Rc::clone(name)).or_insert(entries.len());
        if place == MAX_TENSORS {
            return Err(Fault::refused(format!(
                "it contains a dictionary with more than {MAX_TENSORS} tensors"
            )));
        }
        if place == entries.len() {
            entries.push((Rc::clone(name), value));
        } else {
            entries[place].1 = value;
        }
    }
    Ok(entries)
}

/// Describes what a file contains instead of tensors, for the error.
fn contents(pickle: &Pickle) -> String {
    match pickle.root() {
        Object::Dict(pairs) => {
            let shown = pairs.iter().filter_map(|&(name, value)| {
                let name = pickle.objects.text(name)?;
                Some(match pickle.objects.get(value) {
                    Object::Foreign(class) => format!("`{name:.40}` (a `{class}`)"),
                    _ => format!("`{name:.40}`"),
                })
            });
            let shown = shown.take(6).collect::<Vec<_>>().join(", ");
            let n = pairs.len();
            let entries = if n == 1 { "entry" } else { "entries" };
            format!("no state dict, but a dictionary of {n} {entries}: {shown}")
        }
        Object::Tensor(_) => "a single tensor without a name".to_owned(),
        Object::List(_) | Object::Tuple(_) => "a list, not a state dict".to_owned(),
        Object::Foreign(class) => format!("a whole `{class}`, not a state dict"),
        _ => "no state dict".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pickle;
    use super::*;
    use crate::weights::tests::sample::{dict, pickled, tensor};

    fn one(class: &str) -> Vec<u8> {
        tensor("0", class, 1, 0, &[1], &[1])
    }

    fn found(state: &[u8]) -> Result<Vec<Group>, Fault> {
        groups(&pickle::load(pickled(state).as_slice())?)
    }

    /// Returns the place of each group, and the names of its tensors.
    fn names(state: &[u8]) -> Result<Vec<(String, Vec<String>)>, Fault> {
        let names = |group: Group| {
            let names = group.tensors.into_iter().map(|(name, _)| name.to_string());
            (group.place, names.collect())
        };
        Ok(found(state)?.into_iter().map(names).collect())
    }

    fn one_group(place: &str, names: &[&str]) -> (String, Vec<String>) {
        let names = names.iter().map(|&name| name.to_owned());
        (place.to_owned(), names.collect())
    }

    /// {"a": …, "b": …, "a": …} in Python.
    #[test]
    fn a_name_that_comes_again_gets_the_later_value() {
        let of_rank =
            |rank: usize| tensor("0", "FloatStorage", 1, 0, &vec![1; rank], &vec![1; rank]);
        let state = dict(&[("a", of_rank(1)), ("b", of_rank(2)), ("a", of_rank(3))]);
        let groups = found(&state).unwrap();
        let found: Vec<_> = groups[0]
            .tensors
            .iter()
            .map(|(name, layout)| (&**name, layout.shape.len()))
            .collect();
        assert_eq!(found, [("a", 3), ("b", 2)]);
    }

    #[test]
    fn names_have_an_end() {
        let longest = "n".repeat(1024);
        assert_eq!(
            names(&dict(&[(&longest, one("FloatStorage"))])).unwrap(),
            [one_group("", &[&longest])]
        );
        let Err(Fault::Foreign { found, .. }) =
            names(&dict(&[(&(longest + "n"), one("FloatStorage"))]))
        else {
            panic!("a name of 1025 bytes was accepted");
        };
        assert!(
            found.starts_with("it contains a name of 1025 bytes, `nnn"),
            "{found}"
        );
    }

    #[test]
    fn dictionaries_within_dictionaries() {
        let state = dict(&[("a", one("FloatStorage")), ("b", one("FloatStorage"))]);
        let ema = dict(&[("decay", b"N".to_vec()), ("shadow", state.clone())]);
        let checkpoint = dict(&[
            ("epoch", b"K\x05".to_vec()),
            ("net", state.clone()),
            ("ema", ema),
            ("mean", one("FloatStorage")),
        ]);
        let wanted = [
            one_group("", &["mean"]),
            one_group("net", &["a", "b"]),
            one_group("ema.shadow", &["a", "b"]),
        ];
        assert_eq!(names(&checkpoint).unwrap(), wanted);
        let deep = |depth| (0..depth).fold(state.clone(), |inner, _| dict(&[("d", inner)]));
        assert_eq!(names(&deep(3)).unwrap(), [one_group("d.d.d", &["a", "b"])]);
        assert!(names(&deep(4)).is_err());
    }

    #[test]
    fn no_more_than_a_checkpoint_has() {
        let state = dict(&[("a", one("FloatStorage"))]);
        let numbers: Vec<String> = (0..65).map(|number| format!("n{number}")).collect();
        let entries: Vec<_> = numbers
            .iter()
            .map(|name| (&**name, state.clone()))
            .collect();
        assert_eq!(names(&dict(&entries)).unwrap().len(), 64);
        let numbers: Vec<String> = (0..=1 << 16).map(|number| number.to_string()).collect();
        let stored = [one("FloatStorage"), b"q\x01".to_vec()].concat();
        let first = [(&*numbers[0], stored)];
        let others = numbers[1..].iter().map(|name| (&**name, b"h\x01".to_vec()));
        let entries: Vec<_> = first.into_iter().chain(others).collect();
        assert!(names(&dict(&entries[..1 << 16])).is_ok());
        assert!(names(&dict(&entries)).is_err());
    }

    #[test]
    fn a_dictionary_that_holds_itself() {
        // d = {}; d["state_dict"] = d
        let bytes = b"\x80\x02}q\x00X\x0a\0\0\0state_dicth\x00s.";
        let pickle = pickle::load(bytes.as_slice()).unwrap();
        let Err(Fault::Foreign { found, .. }) = groups(&pickle) else {
            panic!("there is no tensor in it");
        };
        assert!(found.ends_with("a dictionary of 1 entry: `state_dict`"));
    }

    #[test]
    fn integers_are_left_out() {
        let state = dict(&[
            ("a", one("FloatStorage")),
            ("mask", tensor("1", "BoolStorage", 1, 0, &[1], &[1])),
        ]);
        assert_eq!(names(&state).unwrap(), [one_group("", &["a"])]);
    }

    #[test]
    fn without_a_state_dict_the_contents_are_named() {
        let Err(Fault::Foreign { found, .. }) = names(&dict(&[("epoch", b"K\x05".to_vec())]))
        else {
            panic!("an epoch is not a tensor");
        };
        assert_eq!(
            found,
            "it contains no state dict, but a dictionary of 1 entry: `epoch`"
        );
        let whole = b"cmodels.yolo\nModel\n)\x81}b".to_vec();
        for (state, text) in [
            (
                whole.clone(),
                "it contains a whole `models.yolo.Model`, not a state dict",
            ),
            (
                dict(&[("model", whole)]),
                "it contains no state dict, but a dictionary of 1 entry: `model` (a `models.yolo.Model`)",
            ),
        ] {
            let Err(Fault::Foreign { found, .. }) = names(&state) else {
                panic!("a model is not a state dict");
            };
            assert_eq!(found, text);
        }
        assert!(names(&one("FloatStorage")).is_err());
        assert!(names(b"N").is_err());
    }
}
