//! Finding the state dict in what was saved, and its tensors' names.

use super::fault::Fault;
use super::layout::Layout;
use super::object::{Object, Pickle};

/// The keys under which checkpoints keep their state dict.
const WRAPPERS: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// What `DataParallel` puts before every name.
const PARALLEL: &str = "module.";

/// The floating-point tensors of the state dict, by their names.
pub(super) fn tensors(pickle: &Pickle) -> Result<Vec<(String, Layout)>, Fault> {
    let root = tensors_of(pickle, pickle.root());
    let wrapped = || WRAPPERS.iter().filter_map(|key| entry(pickle, key));
    let candidates =
        std::iter::once(root).chain(wrapped().map(|object| tensors_of(pickle, object)));
    let found = candidates.into_iter().find(|tensors| !tensors.is_empty());
    let mut tensors =
        found.ok_or_else(|| Fault::refused(format!("it holds {}", contents(pickle))))?;
    if tensors.iter().all(|(name, _)| name.starts_with(PARALLEL)) {
        for (name, _) in &mut tensors {
            name.drain(..PARALLEL.len());
        }
    }
    tensors.retain(|(_, layout)| layout.storage.dtype.is_float());
    Ok(tensors)
}

/// The value of a key of the outermost dictionary.
fn entry<'a>(pickle: &'a Pickle, key: &str) -> Option<&'a Object> {
    let Object::Dict(pairs) = pickle.root() else {
        return None;
    };
    // As in Python, the last one counts.
    let (_, value) = pairs
        .iter()
        .rev()
        .find(|(name, _)| pickle.objects.text(*name) == Some(key))?;
    Some(pickle.objects.get(*value))
}

fn tensors_of(pickle: &Pickle, object: &Object) -> Vec<(String, Layout)> {
    let Object::Dict(pairs) = object else {
        return Vec::new();
    };
    let named = |&(name, value)| match (pickle.objects.text(name), pickle.objects.get(value)) {
        (Some(name), Object::Tensor(layout)) => Some((name.to_owned(), layout.clone())),
        _ => None,
    };
    pairs.iter().filter_map(named).collect()
}

/// What is there instead of a state dict, for the error.
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
            format!(
                "no state dict, but a dictionary of {} entries: {}",
                pairs.len(),
                names.join(", ")
            )
        }
        Object::Tensor(_) => "a single tensor without a name".to_owned(),
        Object::List(_) | Object::Tuple(_) => "a list, and no state dict".to_owned(),
        _ => "no state dict".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pickle;
    use super::super::sample::{dict, pickled, tensor};
    use super::*;

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
            panic!("an epoch is no tensor");
        };
        assert_eq!(
            found,
            "it holds no state dict, but a dictionary of 1 entries: `epoch`"
        );
        assert!(names(&one("FloatStorage")).is_err());
        assert!(names(b"N").is_err());
    }
}
