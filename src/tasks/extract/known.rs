//! A run over files that are all known: no network is loaded for it.

use super::{ExtractOptions, StoreSink};
use crate::backbones::{Convolutions, Decoding, Device, DeviceRequest, Frozen, Precision};
use crate::error::Result;
use crate::features::{Existing, Item, Outcome, Sink, StoreManifest, is_store};
use crate::images::Found;

/// The manifest of the store that is there, if it is certain without the network that this run asks for the same.
///
/// # Errors
/// A store or a network that cannot be read.
pub(super) fn store(options: &ExtractOptions, decoding: Decoding) -> Result<Option<StoreManifest>> {
    let run = &options.run;
    // Whatever else was asked for is to be found to work, or not to.
    let usual = run.precision == Precision::Fp32
        && run.convolutions == Convolutions::Auto
        && matches!(
            run.device,
            DeviceRequest::Auto | DeviceRequest::Exactly(Device::Cpu)
        );
    if !usual || options.existing == Existing::Overwrite || !is_store(&options.output) {
        return Ok(None);
    }
    let Some(manifest) = StoreManifest::read_intact(&options.output)? else {
        return Ok(None);
    };
    let adjust = |manifest: &mut _| options.overrides.apply(manifest);
    // Features of another precision are told of by who adds to them.
    let same = manifest.engine.precision == run.precision
        && manifest.dtype == options.dtype
        && manifest.spec.views == options.views.list()
        && manifest.spec.decoding == decoding
        && Frozen::is_backbone_of(&manifest.spec, &options.backbone, adjust, run)?;
    Ok(same.then_some(manifest))
}

/// Puts all entries into the sink, which knows them.
pub(super) fn take_all(entries: &[Found], sink: &mut StoreSink) -> Result<()> {
    let recognised = sink.recognised();
    for found in entries {
        let outcome = match found {
            Found::Skipped { reason, .. } => Outcome::Skipped(reason.clone()),
            Found::Sample(sample) => {
                let picture = recognised.picture(&sample.path);
                Outcome::Reused(picture.expect("all samples were recognised"))
            }
        };
        sink.take(Item {
            found: found.clone(),
            outcome,
        })?;
    }
    Ok(())
}
