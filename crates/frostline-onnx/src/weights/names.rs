//! Finds the state dict in a saved object, and the names of its tensors.

use std::collections::HashMap;

use super::fault::Fault;
use super::layout::{Layout, check_name};
use super::pickle::{Object, Pickle};

/// The keys under which checkpoints store their state dict.
const WRAPPERS: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// Prefixes added to all names by `DataParallel`, by `torch.compile`, and by classes with the network as a
/// field.
const PREFIXES: [&str; 4] = ["module.", "_orig_mod.", "model.", "state_dict."];

/// Returns the floating-point tensors of the state dict, with their names.
pub(super) fn tensors(pickle: &Pickle) -> Result<Vec<(String, Layout)>, Fault> {
    let wrapped = WRAPPERS.iter().filter_map(|key| entry(pickle, key));
    let mut tensors = Vec::new();
    for object in std::iter::once(pickle.root()).chain(wrapped) {
        tensors = tensors_of(pickle, object)?;
        if !tensors.is_empty() {
            break;
        }
    }
    if tensors.is_empty() {
        return Err(Fault::refused(format!("it contains {}", contents(pickle))));
    }
    strip_prefixes(&mut tensors);
    tensors.retain(|(_, layout)| layout.storage.dtype.is_float());
    Ok(tensors)
}

/// Drops the [`PREFIXES`] common to all names.
pub(super) fn strip_prefixes<T>(tensors: &mut [(String, T)]) {
    let common = |tensors: &[(String, T)]| {
        let shared = |prefix: &&str| tensors.iter().all(|(name, _)| name.starts_with(*prefix));
        PREFIXES.into_iter().find(shared)
    };
    while let Some(prefix) = common(tensors).filter(|_| !tensors.is_empty()) {
        for (name, _) in &mut *tensors {
            name.drain(..prefix.len());
        }
    }
}

/// Returns the value of a key in the outermost dictionary.
fn entry<'a>(pickle: &'a Pickle, key: &str) -> Option<&'a Object> {
    let Object::Dict(pairs) = pickle.root() else {
        return None;
    };
    // As in Python, the last value counts.
    let (_, value) = pairs
        .iter()
        .rev()
        .find(|(name, _)| pickle.objects.text(*name) == Some(key))?;
    Some(pickle.objects.get(*value))
}

/// Returns the tensors in a dictionary. As in Python, a repeated name keeps its position and gets the later
/// value. So all names together are no longer than the file, however often it uses one.
fn tensors_of(pickle: &Pickle, object: &Object) -> Result<Vec<(String, Layout)>, Fault> {
    let Object::Dict(pairs) = object else {
        return Ok(Vec::new());
    };
    let (mut tensors, mut places) = (Vec::new(), HashMap::new());
    for &(name, value) in pairs {
        let (Some(name), Object::Tensor(layout)) =
            (pickle.objects.text(name), pickle.objects.get(value))
        else {
            continue;
        };
        check_name(name)?;
        let place = *places.entry(name).or_insert(tensors.len());
        if place == tensors.len() {
            tensors.push((name.to_owned(), Layout::clone(layout)));
        } else {
            tensors[place].1 = Layout::clone(layout);
        }
    }
    Ok(tensors)
}

/// Describes what a file contains instead of a state dict, for the error.
fn contents(pickle: &Pickle) -> String {
    match pickle.root() {
        Object::Dict(pairs) => {
            let names = pairs
                .iter()
                .filter_map(|(name, _)| pickle.objects.text(*name))
                .take(6);
            let names = names
                .map(|name| format!("`{name:.40}`"))
                .collect::<Vec<_>>();
            let n = pairs.len();
            let entries = if n == 1 { "entry" } else { "entries" };
            format!(
                "no state dict, but a dictionary of {n} {entries}: {}",
                names.join(", ")
            )
        }
        Object::Tensor(_) => "a single tensor without a name".to_owned(),
        Object::List(_) | Object::Tuple(_) => "a list, not a state dict".to_owned(),
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

    fn names(state: &[u8]) -> Result<Vec<String>, Fault> {
        let pickle = pickle::load(pickled(state).as_slice())?;
        Ok(tensors(&pickle)?
            .into_iter()
            .map(|(name, _)| name)
            .collect())
    }

    /// {"a": …, "b": …, "a": …} in Python.
    #[test]
    fn a_name_that_comes_again_gets_the_later_value() {
        let of_rank =
            |rank: usize| tensor("0", "FloatStorage", 1, 0, &vec![1; rank], &vec![1; rank]);
        let state = dict(&[("a", of_rank(1)), ("b", of_rank(2)), ("a", of_rank(3))]);
        let pickle = pickle::load(pickled(&state).as_slice()).unwrap();
        let tensors = tensors(&pickle).unwrap();
        let found: Vec<_> = tensors
            .iter()
            .map(|(name, layout)| (name.as_str(), layout.shape.len()))
            .collect();
        assert_eq!(found, [("a", 3), ("b", 2)]);
    }

    #[test]
    fn names_have_an_end() {
        let longest = "n".repeat(1024);
        assert_eq!(
            names(&dict(&[(&longest, one("FloatStorage"))])).unwrap(),
            std::slice::from_ref(&longest)
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
    fn wrapped_and_parallel() {
        let state = dict(&[
            ("module.a", one("FloatStorage")),
            ("module.b", one("FloatStorage")),
        ]);
        for wrapper in WRAPPERS {
            let checkpoint = dict(&[("epoch", b"K\x05".to_vec()), (wrapper, state.clone())]);
            assert_eq!(names(&checkpoint).unwrap(), ["a", "b"]);
        }
        let mixed = dict(&[
            ("module.a", one("FloatStorage")),
            ("b", one("FloatStorage")),
        ]);
        assert_eq!(names(&mixed).unwrap(), ["module.a", "b"]);
    }

    #[test]
    fn prefixes_of_all_names_are_dropped() {
        let strip = |names: [&str; 2]| {
            let mut tensors = names.map(|name| (name.to_owned(), ()));
            strip_prefixes(&mut tensors);
            tensors.map(|(name, ())| name)
        };
        assert_eq!(
            strip(["model._orig_mod.a", "model._orig_mod.b"]),
            ["a", "b"]
        );
        assert_eq!(strip(["model.a", "fc.b"]), ["model.a", "fc.b"]);
        assert_eq!(strip(["module.module.a", "module.b"]), ["module.a", "b"]);
        strip_prefixes::<()>(&mut []);
    }

    #[test]
    fn a_dictionary_that_holds_itself() {
        // d = {}; d["state_dict"] = d
        let bytes = b"\x80\x02}q\x00X\x0a\0\0\0state_dicth\x00s.";
        let pickle = pickle::load(bytes.as_slice()).unwrap();
        let Err(Fault::Foreign { found, .. }) = tensors(&pickle) else {
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
        assert_eq!(names(&state).unwrap(), ["a"]);
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
        assert!(names(&one("FloatStorage")).is_err());
        assert!(names(b"N").is_err());
    }
}
