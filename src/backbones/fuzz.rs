//! What reads files from strangers, over any bytes: for fuzzing, without ONNX Runtime.
//!
//! Each function does with the bytes what the program does with a file of them, and says whether they were
//! accepted.

use std::io::Cursor;
use std::path::Path;

use super::Convolutions;
use super::architectures::{Architecture, End};
use super::onnx::rewrite::rewrite;
use super::onnx::{LayerChoice, files_of, in_float16, open, read_network, write_cut};
use super::weights::read_state_dict_from;
use crate::error::Result;
use crate::outputs;
use frostline_kernels::Serial;

/// Writes a network to a folder of its own and tells whether it is accepted; fastest with `TMPDIR` in memory.
fn accepted(bytes: &[u8], read: impl FnOnce(&Path) -> Result<()>) -> bool {
    let Ok(folder) = outputs::temporary_folder(&std::env::temp_dir()) else {
        return false;
    };
    let path = folder.path().join("net.onnx");
    outputs::write_bytes(&path, bytes)
        .and_then(|()| read(&path))
        .is_ok()
}

/// Reads the outline of a network, and finds the files that it consists of.
#[must_use]
pub fn outline(bytes: &[u8]) -> bool {
    accepted(bytes, |path| files_of(path).map(drop))
}

/// Cuts a network before its classifier, as `models import` does, and reads what was written.
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

/// Rewrites a network in memory to use frostline's operators, and reads their weights.
#[must_use]
pub fn rewritten(bytes: &[u8]) -> bool {
    accepted(bytes, |path| {
        let Some(rewritten) = rewrite(path, open, [3, 32, 32], Convolutions::Winograd)? else {
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

/// Brings a network to float16, in memory.
#[must_use]
pub fn float16(bytes: &[u8]) -> bool {
    accepted(bytes, |path| in_float16(path, open).map(drop))
}

/// Reads weights of any format, and builds every architecture of them.
#[must_use]
pub fn weights(bytes: &[u8]) -> bool {
    let Ok(weights) = read_state_dict_from(Cursor::new(bytes), Path::new("fuzz")) else {
        return false;
    };
    for architecture in Architecture::ALL {
        for end in [End::Features, End::Logits] {
            let _ = architecture.build(&weights, end);
        }
    }
    true
}
