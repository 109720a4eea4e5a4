//! Any bytes as a file of weights, and what comes out of them as any network: never a panic, never much memory.
//!
//! With nightly Rust and cargo-fuzz, starting from what `torch.save` wrote:
//! `cargo +nightly fuzz run read_state_dict fuzz/corpus/read_state_dict tests/golden -- -rss_limit_mb=512 -max_len=8192`.

#![no_main]

use std::io::Cursor;
use std::path::Path;

use frostline::backbones::architectures::{Architecture, End};
use frostline::backbones::weights::read_state_dict_from;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(weights) = read_state_dict_from(Cursor::new(bytes), Path::new("fuzz")) else {
        return;
    };
    for architecture in Architecture::ALL {
        for end in [End::Features, End::Logits] {
            let _ = architecture.build(&weights, end);
        }
    }
});
