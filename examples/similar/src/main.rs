//! Ranks images by their similarity to the first one: `cargo run --release -p similar -- a.jpg b.jpg c.jpg`
//!
//! This is a separate crate, so that `frostline` is built without clap, indicatif, maud and ureq.

use frostline::{Extractor, Result};

fn main() -> Result<()> {
    let images: Vec<String> = std::env::args().skip(1).collect();
    let extractor = Extractor::open("efficientnet-lite0")?;
    let features = extractor.features(&images)?.into_iter().zip(&images);
    let mut used = features.filter_map(|(features, image)| Some((unit(features.ok()?), image)));
    let Some((first, _)) = used.next() else {
        return Ok(());
    };
    let cosine = |other: Vec<f32>| first.iter().zip(&other).map(|(a, b)| a * b).sum::<f32>();
    let mut ranked: Vec<_> = used.map(|(other, image)| (cosine(other), image)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (cosine, image) in ranked {
        println!("{cosine:.3} {image}");
    }
    Ok(())
}

/// Scales a vector to length 1.
fn unit(features: Vec<f32>) -> Vec<f32> {
    let length = features.iter().map(|x| x * x).sum::<f32>().sqrt();
    features.into_iter().map(|x| x / length).collect()
}
