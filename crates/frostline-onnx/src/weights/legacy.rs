//! `PyTorch`'s older format: pickles, then raw storages.
//!
//! # Format
//! Five pickles: a magic number, the protocol (1001), system information, the saved object, and the list of
//! the keys of its storages. Then each of these storages: an `i64` number of elements and the elements, all
//! little-endian. Source: `_legacy_save` in `torch/serialization.py`.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use super::fault::Fault;
use super::layout::Storage;
use super::names::{self, Group};
use super::pickle::{self, Object, Pickle};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;

/// Opens a file of `length` bytes, and finds its tensors.
pub(super) fn open<R: Read + Seek>(
    mut source: R,
    length: u64,
) -> Result<(Vec<Group>, Legacy<R>), Fault> {
    if !matches!(pickle::load(&mut source)?.root(), Object::Int(MAGIC)) {
        return Err(Fault::foreign(
            "it is a pickle, but not one that `torch.save` wrote",
        ));
    }
    check_protocol(pickle::load(&mut source)?.root())?;
    let _system = pickle::load(&mut source)?;
    let saved = pickle::load(&mut source)?;
    let keys = pickle::load(&mut source)?;
    let keys = self::keys(&keys)?;
    let places = places(&mut source, length, &saved, &keys)?;
    Ok((names::groups(&saved)?, Legacy { source, places }))
}

/// An open file, and where the elements of each storage start.
pub(super) struct Legacy<R> {
    source: R,
    places: HashMap<String, u64>,
}

impl<R: Read + Seek> Legacy<R> {
    /// Reads the bytes of a storage.
    pub(super) fn storage(&mut self, storage: &Storage) -> Result<Vec<u8>, Fault> {
        let place = self.places.get(&storage.key);
        let place = *place.ok_or_else(|| missing(storage))?;
        self.source.seek(SeekFrom::Start(place))?;
        let mut bytes = vec![0; storage.size];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn check_protocol(protocol: &Object) -> Result<(), Fault> {
    match protocol {
        Object::Int(PROTOCOL) => Ok(()),
        Object::Int(found) if *found > PROTOCOL => Err(Fault::Newer {
            found: u64::try_from(*found).unwrap_or(u64::MAX),
            known: PROTOCOL as u64,
        }),
        _ => Err(Fault::damaged("its protocol number is unknown")),
    }
}

/// Returns the keys in the order of the storages; a key that is repeated is only once in memory.
fn keys(pickle: &Pickle) -> Result<Vec<Rc<str>>, Fault> {
    let keys = pickle.objects.items(pickle.root);
    let keys = keys.and_then(|keys| {
        keys.iter()
            .map(|&key| pickle.objects.text(key).cloned())
            .collect()
    });
    keys.ok_or_else(|| Fault::damaged("it has no list of its storages"))
}

/// Returns where the elements of each storage start, and checks that all of them are in the file.
fn places(
    source: &mut (impl Read + Seek),
    length: u64,
    saved: &Pickle,
    keys: &[Rc<str>],
) -> Result<HashMap<String, u64>, Fault> {
    let mut places = HashMap::new();
    for (done, key) in keys.iter().enumerate() {
        let cut = || {
            Fault::Cut(format!(
                "it ends after {length} bytes, in storage {} of {}",
                done + 1,
                keys.len()
            ))
        };
        let storage = saved.storages.get(&**key);
        let storage = storage
            .ok_or_else(|| Fault::damaged(format!("no tensor uses its storage `{key:.40}`")))?;
        let mut count = [0; 8];
        source.read_exact(&mut count).map_err(|_| cut())?;
        if usize::try_from(i64::from_le_bytes(count)) != Ok(storage.len) {
            return Err(Fault::damaged(format!(
                "its storage `{key}` does not have the length that its tensors need"
            )));
        }
        let place = source.stream_position()?;
        let end = place
            .checked_add(storage.size as u64)
            .filter(|end| *end <= length)
            .ok_or_else(cut)?;
        source.seek(SeekFrom::Start(end))?;
        if places.insert(key.to_string(), place).is_some() {
            return Err(Fault::damaged(format!(
                "it contains the storage `{key}` twice"
            )));
        }
    }
    Ok(places)
}

fn missing(storage: &Storage) -> Fault {
    Fault::damaged(format!("its storage `{}` is missing", storage.key))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::weights::tests::sample::{dict, floats, legacy, tensor};
    use crate::weights::{Tensor, read};

    fn load(storages: &[(&str, i64, Vec<u8>)]) -> Result<Vec<(String, Tensor)>, Fault> {
        let state = dict(&[("a", tensor("7", "FloatStorage", 2, 0, &[2], &[1]))]);
        let bytes = legacy(&state, storages);
        read(Cursor::new(&bytes))
    }

    #[test]
    fn the_numbers_behind_the_pickles() {
        let tensors = load(&[("7", 2, floats(&[0.5, -2.0]))]).unwrap();
        assert_eq!(
            tensors,
            [(
                "a".to_owned(),
                Tensor {
                    shape: vec![2],
                    data: vec![0.5, -2.0]
                }
            )]
        );
    }

    #[test]
    fn storages_that_lie() {
        assert!(matches!(
            load(&[("7", i64::MAX, floats(&[0.5, -2.0]))]),
            Err(Fault::Damaged(_))
        ));
        assert!(matches!(
            load(&[("7", -1, floats(&[0.5, -2.0]))]),
            Err(Fault::Damaged(_))
        ));
        assert!(matches!(
            load(&[("8", 2, floats(&[0.5, -2.0]))]),
            Err(Fault::Damaged(_))
        ));
        let twice = ("7", 2, floats(&[0.5, -2.0]));
        assert!(
            matches!(load(&[twice.clone(), twice]), Err(Fault::Damaged(why)) if why.contains("twice"))
        );
        // 2³⁰ values on which pickle and storage agree, but which are not there.
        let state = dict(&[("a", tensor("7", "FloatStorage", 1 << 30, 0, &[2], &[1]))]);
        let bytes = legacy(&state, &[("7", 1 << 30, floats(&[0.5]))]);
        assert!(matches!(read(Cursor::new(&bytes)), Err(Fault::Cut(_))));
        assert!(matches!(load(&[]), Err(Fault::Damaged(_))));
        assert!(matches!(
            load(&[("7", 2, floats(&[0.5]))]),
            Err(Fault::Cut(_))
        ));
    }

    #[test]
    fn another_pickle_and_a_later_protocol() {
        let other = b"\x80\x02K\x01.";
        assert!(matches!(
            read(Cursor::new(other)),
            Err(Fault::Foreign { .. })
        ));
        assert!(matches!(
            check_protocol(&Object::Int(1002)),
            Err(Fault::Newer {
                found: 1002,
                known: 1001
            })
        ));
    }
}
