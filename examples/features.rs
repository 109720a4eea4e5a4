//! Computes the features of images: `cargo run --release --example features -- a.jpg b.jpg`

fn main() -> frostline::Result<()> {
    let images: Vec<String> = std::env::args().skip(1).collect();
    let extractor = frostline::Extractor::open("efficientnet-lite0")?;
    for (image, features) in images.iter().zip(extractor.features(&images)?) {
        match features {
            Ok(features) => println!(
                "{image}: {} features from {:?}",
                features.len(),
                features[0]
            ),
            Err(reason) => println!("{image} {reason}"),
        }
    }
    Ok(())
}
