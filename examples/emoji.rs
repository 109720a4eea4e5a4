//! Writes the emoji sample: a real set of images, a folder for each class, out of nothing but cargo.
//!
//! `cargo run --example emoji -- data/emoji` writes `{train,validation}/<group>/<name>.png`, 72 × 72 pixels
//! with a transparent background. The graphics are Twemoji's (CC-BY 4.0), the groups Unicode's. A fifth of
//! each group, chosen by a hash of the emoji, is for validation: the same ones every time.

use std::path::Path;
use std::{env, fs, io};

use emojis::{Emoji, Group};
use twemoji_assets::png::PngTwemojiAsset;

fn main() -> io::Result<()> {
    let root = env::args_os()
        .nth(1)
        .expect("usage: cargo run --example emoji -- FOLDER");
    let mut written = 0;
    for emoji in emojis::iter() {
        if let Some(picture) = PngTwemojiAsset::from_emoji(emoji.as_str()) {
            write(Path::new(&root), emoji, picture)?;
            written += 1;
        }
    }
    println!("{written} emoji in {}", root.display());
    Ok(())
}

fn write(root: &Path, emoji: &Emoji, picture: &[u8]) -> io::Result<()> {
    let split = if hash(emoji.as_str()).is_multiple_of(5) {
        "validation"
    } else {
        "train"
    };
    let folder = root.join(split).join(folder(emoji.group()));
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join(format!("{}.png", file_stem(emoji.name()))),
        picture,
    )
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
