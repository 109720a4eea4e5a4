//! Writes VGG19's exact architecture with seeded weights, for tests and timings; it was never trained.
//!
//! `cargo run --release --example synthetic_vgg19 -- OUT.onnx [--narrow]` writes 575 MB, or with `--narrow` a
//! network with a sixteenth of the channels, 3 MB. Its features are meaningless; the expected values are in
//! `tests/golden/vgg19.json`.

mod encode;
mod generator;
mod network;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::{env, fs};

use self::encode::encode_model;
use self::network::{Width, model};

/// The width of VGG19 itself.
const FULL: Width = Width(64);

const USAGE: &str = "usage: cargo run --release --example synthetic_vgg19 -- OUT.onnx [--narrow]";

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (out, width) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [out] if !out.starts_with('-') => (out, FULL),
        [out, "--narrow"] | ["--narrow", out] => (out, Width::NARROW),
        _ => return Err(USAGE.into()),
    };
    let mut file = BufWriter::new(File::create(out)?);
    encode_model(&model(width), &mut file)?;
    file.flush()?;
    println!(
        "{out}: VGG19's layers, {} channels in the first block, seeded weights that were never trained, {} \
         bytes",
        width.0,
        fs::metadata(out)?.len()
    );
    Ok(())
}
