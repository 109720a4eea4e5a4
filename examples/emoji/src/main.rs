//! Writes the emoji sample: real images, one folder for each class, from nothing but cargo.
//!
//! `cargo run -p emoji -- FOLDER` writes `FOLDER/{train,validation}/<group>/<name>.png`: five groups
//! that a head distinguishes well, 72 × 72 pixels with a transparent background. `--all` writes all nine
//! groups, which are harder. The graphics are Twemoji's (CC-BY 4.0), the groups Unicode's. A fifth of each
//! group, chosen by a hash of the emoji, is for validation: the same ones every time.

use std::ffi::OsString;
use std::path::Path;
use std::process::exit;
use std::{env, fs, io};

use emojis::{Emoji, Group};
use twemoji_assets::png::PngTwemojiAsset;

/// The groups without `--all`.
const SAMPLE: [Group; 5] = [
    Group::AnimalsAndNature,
    Group::Flags,
    Group::PeopleAndBody,
    Group::SmileysAndEmotion,
    Group::Symbols,
];

fn main() -> io::Result<()> {
    let mut args: Vec<OsString> = env::args_os().skip(1).collect();
    let all = args.iter().any(|arg| arg == "--all");
    args.retain(|arg| arg != "--all");
    let [root] = args.as_slice() else {
        eprintln!("usage: cargo run -p emoji -- [--all] FOLDER");
        exit(2);
    };
    let mut n_written = 0;
    let emoji = emojis::iter().filter(|emoji| all || SAMPLE.contains(&emoji.group()));
    for emoji in emoji {
        if let Some(png) = PngTwemojiAsset::from_emoji(emoji.as_str()) {
            write(Path::new(root), emoji, png)?;
            n_written += 1;
        }
    }
    println!("{n_written} emoji in {}", root.display());
    Ok(())
}

fn write(root: &Path, emoji: &Emoji, png: &[u8]) -> io::Result<()> {
    let split = if hash(emoji.as_str()).is_multiple_of(5) {
        "validation"
    } else {
        "train"
    };
    let folder = root.join(split).join(folder(emoji.group()));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("{}.png", file_stem(emoji.name()))), png)
}

fn folder(group: Group) -> &'static str {
    match group {
        Group::SmileysAndEmotion => "smileys",
        Group::PeopleAndBody => "people",
        Group::AnimalsAndNature => "animals",
        Group::FoodAndDrink => "food",
        Group::TravelAndPlaces => "travel",
        Group::Activities => "activities",
        Group::Objects => "objects",
        Group::Symbols => "symbols",
        Group::Flags => "flags",
    }
}

fn file_stem(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// FNV-1a, 64 bits: stable across versions and machines, which the standard library's hash is not.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
