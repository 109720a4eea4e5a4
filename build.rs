//! Compiles every manifest in `models/` into the library, so that a new backbone takes only a file and no
//! Rust code.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=models");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("models");
    let mut manifests = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            manifests.push(path);
        }
    }
    manifests.sort_by(|a, b| a.file_stem().cmp(&b.file_stem()));
    let includes: Vec<_> = manifests
        .iter()
        .map(|path| format!("include_str!({:?})", path.display().to_string()))
        .collect();
    let out = Path::new(&env::var("OUT_DIR")?).join("known_manifests.rs");
    fs::write(out, format!("&[{}]", includes.join(", ")))?;
    Ok(())
}
