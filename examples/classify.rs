//! Classifies images: `cargo run --release --example classify -- head.safetensors a.jpg b.jpg`

fn main() -> frostline::Result<()> {
    let [head, images @ ..] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        panic!("usage: classify HEAD IMAGE...");
    };
    let classifier = frostline::Classifier::open(head)?;
    for (image, prediction) in images.iter().zip(classifier.classify(images)?) {
        match prediction {
            Ok(found) => println!(
                "{image}: {:?} {:.3}",
                classifier.label(&found),
                found.best().1
            ),
            Err(reason) => println!("{image} {reason}"),
        }
    }
    Ok(())
}
