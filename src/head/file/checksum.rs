//! The checksum of a head file, stored in the header's metadata.

use std::ops::Range;

use super::head_file::PREFIX;
use crate::error::FileProblem;
use crate::seal;

/// The key of the checksum in the metadata.
pub(super) const KEY: &str = "checksum";

/// The first format version that requires a checksum. If it were optional, damage to the key alone would
/// leave the file unchecked.
const SINCE: u64 = 2;

/// Checks a file of a format version against the checksum digits in its header.
pub(super) fn check(
    bytes: &[u8],
    version: u64,
    digits: Option<&String>,
) -> Result<(), FileProblem> {
    let is_right = |digits: &String| {
        place(bytes).is_some_and(|place| {
            bytes.get(place.clone()) == Some(digits.as_bytes()) && seal::is_right(bytes, place)
        })
    };
    let problem = match digits {
        None if version < SINCE => return Ok(()),
        None => "its `checksum` is missing",
        Some(digits) if is_right(digits) => return Ok(()),
        Some(_) => "its content does not match its checksum",
    };
    Err(FileProblem::Damaged(problem.to_owned()))
}

/// Writes the checksum into a file that has a field for it.
pub(super) fn seal(bytes: &mut [u8]) {
    let place = place(bytes).expect("the metadata has the key");
    seal::put(bytes, place);
}

/// Returns the position of the checksum digits in a file.
fn place(bytes: &[u8]) -> Option<Range<usize>> {
    let (length, rest) = bytes.split_first_chunk::<PREFIX>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let place = seal::place_in_json(header)?;
    Some(PREFIX + place.start..PREFIX + place.end)
}

/// Corrects the checksum of a file if it has a field for one.
pub(crate) fn seal_again(bytes: &mut [u8]) {
    if let Some(place) = place(bytes) {
        bytes[place].copy_from_slice(seal::BLANK.as_bytes());
        seal(bytes);
    }
}
