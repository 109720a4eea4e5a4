//! The targets for networks.

use std::path::Path;

use frostline::backbones::onnx::{LayerChoice, Network, read_network, write_cut};

use super::Outcome;
use super::scratch::with_file;

/// Number of layers to try; the seeds have fewer.
const LAYERS: usize = 12;

/// Reads everything that importing or opening a network reads, without ONNX Runtime.
pub(super) fn import(bytes: &[u8]) -> Outcome {
    with_file("net.onnx", bytes, |path| {
        let network = read_network(path)?;
        let _ = network.in_float16();
        network.files()?;
        for (_, output) in network.outline().nodes.iter().take(LAYERS) {
            for axis in [1, 3] {
                let _ = network.channel_axis(output, axis, 3);
                let _ = network.prefix_tokens(output, [3, 64, 64], 17);
            }
        }
        Ok(())
    })
}

/// Cuts a network after each of its layers; the written network must be readable.
pub(super) fn cut(bytes: &[u8]) -> Outcome {
    with_file("net.onnx", bytes, |path| {
        let network = read_network(path)?;
        let layers = (0..LAYERS).map(|layer| LayerChoice::Named(layer.to_string()));
        let layers = layers.chain([LayerChoice::Penultimate]);
        let cuts = layers.map(|layer| cut_at(&network, &layer, &path.with_file_name("cut.onnx")));
        cuts.reduce(Result::or).expect("there are layers")
    })
}

fn cut_at(network: &Network, layer: &LayerChoice, to: &Path) -> Outcome {
    let cut = network.cut(layer)?;
    let _ = (cut.rewritten(), cut.suspects(), cut.sizes());
    write_cut(&cut, to)?;
    let again = read_network(to);
    assert!(again.is_ok(), "the cut network cannot be read: {again:?}");
    Ok(())
}
