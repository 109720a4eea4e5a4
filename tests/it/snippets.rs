//! Runs the shell snippets of README and `docs/`, each document in a folder where only images exist.
//!
//! Downloads, setups, imports, cargo and the scripts are not run: their options and names are checked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use image::RgbImage;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::harness::{Place, Ran, executable};
use crate::prose::documents;

/// Stands before the real program: what needs the network only parses its options.
const FROSTLINE: &str = r#"#!/bin/sh
case "$1 $2" in
    "models pull" | "models import" | "setup "*) exec "$FROSTLINE_BINARY" "$@" --help >/dev/null ;;
    *) exec "$FROSTLINE_BINARY" "$@" ;;
esac
"#;

/// What the pages in `docs/` take for granted; the README has to make it.
const BEFORE: &str = "
frostline extract images/train -o features/train
frostline extract images/validation -o features/validation
frostline fit-head features/train -o head.safetensors
frostline fit-head features/train --epochs 3 -o other.safetensors
";

/// Writes an image of random blocks with red values from `red` on, which depends on the class. No two of
/// these images are near-duplicates.
fn write_noise(path: &Path, red: u8, seed: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let blocks: Vec<[u8; 3]> = (0..64)
        .map(|_| {
            let bits = random.next_u32().to_le_bytes();
            [red + bits[0] / 2, bits[1], bits[2]]
        })
        .collect();
    let image = RgbImage::from_fn(32, 32, |x, y| {
        image::Rgb(blocks[(y / 4 * 8 + x / 4) as usize])
    });
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.save(path).unwrap();
}

/// A folder with the images that the documents mention, and stubs of everything that is not run.
fn workspace() -> Option<Place> {
    let place = Place::installed()?;
    let root = place.folder();
    let mut seed = 0;
    for (folder, n) in [
        ("data/emoji/train", 20),
        ("data/emoji/validation", 6),
        ("images/train", 20),
        ("images/validation", 6),
        ("photos", 20),
        ("new_photos", 3),
        ("unlabelled", 3),
    ] {
        for (class, red) in [("cat", 0), ("dog", 128)] {
            for i in 0..n {
                seed += 1;
                write_noise(
                    &root.join(folder).join(class).join(format!("{i}.png")),
                    red,
                    seed,
                );
            }
        }
    }
    write_noise(&root.join("query.png"), 128, 1000);
    for file in ["onnx", "toml"] {
        let models = root.join("home/models");
        let text = fs::read(models.join("efficientnet-lite0").with_added_extension(file)).unwrap();
        fs::write(models.join("mine").with_extension(file), text).unwrap();
    }
    let manifest = root.join("home/models/mine.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(manifest, text.replace("efficientnet-lite0", "mine")).unwrap();
    symlink(root.join("home"), root.join(".frostline")).unwrap();
    executable(&root.join("bin/frostline"), FROSTLINE);
    for stub in ["cargo", "pip"] {
        executable(&root.join("bin").join(stub), "#!/bin/sh\n");
    }
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    for script in fs::read_dir(scripts).unwrap() {
        let name = script.unwrap().file_name();
        if Path::new(&name).extension().is_some_and(|e| e == "sh") {
            executable(&root.join("scripts").join(name), "#!/bin/sh\n");
        }
    }
    Some(place)
}

/// Returns the lines of all fenced blocks of shell commands.
fn shell_blocks(text: &str) -> String {
    let mut inside = false;
    let mut lines = String::new();
    for line in text.lines() {
        match line.trim_start() {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => lines.extend([line, "\n"]),
            _ => {}
        }
    }
    lines
}

fn run(place: &Place, script: &str) -> Ran {
    let path = std::env::var("PATH").unwrap();
    Ran::of(
        Command::new("bash")
            .args(["-euxc", script])
            .current_dir(place.folder())
            .env("PATH", format!("{}:{path}", place.path("bin")))
            .env("FROSTLINE_BINARY", env!("CARGO_BIN_EXE_frostline"))
            .env("FROSTLINE_HOME", place.path("home"))
            .output()
            .unwrap(),
    )
}

#[test]
fn the_snippets_of_the_documents_run() {
    let mut n_run = 0;
    for (name, text) in documents() {
        let script = shell_blocks(&text);
        if script.is_empty() {
            continue;
        }
        let Some(place) = workspace() else { return };
        if name != "README.md" {
            run(&place, BEFORE).exits(0);
        }
        let ran = run(&place, &script);
        assert_eq!(ran.code, 0, "{name}:\n{}", ran.err);
        n_run += 1;
    }
    assert!(n_run >= 6, "the documents were not found");
}
