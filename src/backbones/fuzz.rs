//! Fuzzing entry points for the code that reads untrusted files, without ONNX Runtime.
//!
//! Each function treats the bytes as the program treats a file with that content, and returns whether they
//! were accepted.

use std::io::Cursor;
use std::path::Path;

use frostline_onnx::architectures::{Architecture, End, WeightsOf};
use frostline_onnx::weights::{Checkpoint, read_state_dict};
use frostline_onnx::{Convolutions, LayerChoice};

use super::Home;
use super::bundle::Bundle;
use super::onnx::{open, read_network, write_cut};
use crate::error::Result;
use crate::outputs;
use frostline_kernels::Serial;

/// Writes a network to a temporary folder and returns whether it is accepted; fastest with `TMPDIR` in
/// memory.
fn accepted(bytes: &[u8], read: impl FnOnce(&Path) -> Result<()>) -> bool {
    let Ok(folder) = outputs::temporary_folder(&std::env::temp_dir()) else {
        return false;
    };
    let path = folder.path().join("net.onnx");
    outputs::write_bytes(&path, bytes)
        .and_then(|()| read(&path))
        .is_ok()
}

/// Reads the outline of a network, and finds the files it consists of.
#[must_use]
pub fn outline(bytes: &[u8]) -> bool {
    accepted(bytes, |path| Ok(read_network(path)?.files().map(drop)?))
}

/// Cuts a network before its classifier, as an import does, and reads the written file.
#[must_use]
pub fn cut(bytes: &[u8]) -> bool {
    accepted(bytes, |path| {
        let network = read_network(path)?;
        let cut = network.cut(&LayerChoice::Penultimate)?;
        let path = path.with_file_name("cut.onnx");
        write_cut(&cut, &path)?;
        read_network(&path).map(drop)
    })
}

/// Rewrites a network in memory to use frostline's operators, and reads the operators' weights.
#[must_use]
pub fn rewritten(bytes: &[u8]) -> bool {
    accepted(bytes, |path| {
        let network = read_network(path)?;
        let Some(rewritten) = network.rewrite([3, 32, 32], Convolutions::Winograd)? else {
            return Ok(());
        };
        rewritten.graph.to_bytes()?;
        for layer in &rewritten.convolutions {
            let _ = layer.load(open);
        }
        for layer in &rewritten.linears {
            let _ = layer.load(open, &Serial);
        }
        Ok(())
    })
}

/// Opens a file as a bundle, and reads all of its entries.
///
/// # Errors
/// Those of the bundle.
pub fn bundle(path: &Path) -> Result<bool> {
    let Some(bundle) = Bundle::open(path)? else {
        return Ok(false);
    };
    bundle.head()?;
    // A home below a file cannot be written to, so the temporary folder is the system's.
    let home = Home::at(path.join("home"));
    let unpacked = bundle.unpack(&home)?;
    bundle.manifest()?;
    Ok(unpacked.path.exists())
}

/// Corrects the checksum in the header of a bundle.
pub fn reseal_bundle(bytes: &mut [u8]) {
    super::bundle::reseal(bytes);
}

/// Converts a network to float16 in memory.
#[must_use]
pub fn float16(bytes: &[u8]) -> bool {
    accepted(bytes, |path| {
        Ok(read_network(path)?.in_float16().map(drop)?)
    })
}

/// Opens weights of any format, finds those of every architecture, and builds it.
#[must_use]
pub fn weights(bytes: &[u8]) -> bool {
    let Ok(mut checkpoint) = Checkpoint::open(Cursor::new(bytes), "fuzz") else {
        return false;
    };
    for architecture in Architecture::ALL {
        for end in [End::Features, End::Logits] {
            if let Ok(found) = architecture.find(&mut checkpoint, end, &WeightsOf::Model) {
                let _ = architecture.build(&found.weights, end);
            }
        }
    }
    // Most seeds are not the weights of a network: read their tensors, too.
    read_state_dict(Cursor::new(bytes), Path::new("fuzz")).is_ok()
}

#[cfg(test)]
#[path = "../../crates/frostline-onnx/src/tests/messages.rs"]
#[expect(dead_code, reason = "the crate's own tests use the rest")]
mod messages;

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes mutated networks to every reader: shortened, lengthened, or with changed bytes.
    #[test]
    fn no_mutation_makes_a_reader_panic() {
        const MUTATIONS: usize = 300;
        let whole = messages::bytes(&messages::zoo(1));
        let mut state = 1_u64;
        let mut below = |n: usize| {
            // Knuth's MMIX generator, whose high bits are the most random.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        let mut accepted = [0; 4];
        for _ in 0..MUTATIONS {
            let mut bytes = whole.clone();
            for _ in 0..=below(2) {
                let at = below(bytes.len());
                match below(5) {
                    0 => bytes[at] = below(256) as u8,
                    1 => bytes[at] ^= 1 << below(8),
                    2 => drop(bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f])),
                    3 => drop(bytes.drain(at..(at + 1 + below(8)).min(bytes.len()))),
                    _ => {
                        let end = (at + 1 + below(64)).min(bytes.len());
                        let copy = bytes[at..end].to_vec();
                        let to = below(bytes.len());
                        bytes.splice(to..to, copy);
                    }
                }
            }
            for (reader, accepted) in [outline, cut, rewritten, float16]
                .into_iter()
                .zip(&mut accepted)
            {
                *accepted += usize::from(reader(&bytes));
            }
        }
        // Damage outside the structure is accepted, which shows that the readers were reached.
        assert!(accepted.iter().all(|&n| n > 5), "{accepted:?}");
    }
}
